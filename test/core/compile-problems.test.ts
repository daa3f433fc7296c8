import { describe, expect, test } from "vitest";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import {
  compileFiles,
  days,
  events,
  file,
  groupBy,
  hours,
  problemLines,
  stepOf,
  stepsOf,
} from "../support/configs.ts";

const good = file("group_bys", groupBy("risk.good", {}, { online: 1 }));
const goodSteps = ["risk.good/backfill", "risk.good/upload", "risk.good/upload-to-kv"];
const path = "compiled/group_bys/risk/bad";

/** The only problem of a repository of a good config and this file; the good one keeps its steps. */
function onlyProblem(bad: ConfigFile): string {
  const plan = compileFiles([bad, good]);
  expect(plan.steps.map((step) => step.id).filter((id) => id.startsWith("risk.good/"))).toEqual(
    goodSteps,
  );
  expect(plan.problems).toHaveLength(1);
  expect(plan.problems[0]?.file).toBe(bad.path);
  return `${plan.problems[0]?.severity}: ${plan.problems[0]?.message}`;
}

const bad = (more: object, metaData: object = {}) =>
  file("group_bys", groupBy("risk.bad", { ...more }, { ...metaData }), { path });

describe("a file that is no config is named, and nobody else is touched", () => {
  test.each([
    { title: "broken JSON", text: '{"metaData": {', expected: /^error: is broken JSON: / },
    { title: "text", text: "# notes", expected: /^warning: is not JSON/ },
    { title: "nothing", text: " \n", expected: /^warning: is empty/ },
    { title: "a list", text: "[]", expected: /^warning: is not JSON/ },
    { title: "no metadata", text: '{"sources": []}', expected: /^error: .*sources/ },
  ])("$title", ({ text, expected }) => {
    expect(onlyProblem({ path, text })).toMatch(expected);
  });

  test("one that cannot be read", () => {
    const unreadable = "no permission to read it";
    expect(onlyProblem({ path, text: "", unreadable })).toBe(
      `error: cannot be read: ${unreadable}`,
    );
  });

  test("one nested deeper than a stack", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const text = JSON.stringify(groupBy("risk.bad")).replace("{", `{"x": ${deep},`);
    expect(onlyProblem({ path, text })).toMatch(/^error: is nested too deeply/);
  });

  test("one in a folder of no type", () => {
    expect(onlyProblem({ path: "compiled/notes/x", text: "{}" })).toMatch(/^warning: lies in no/);
  });

  test("no name, no team", () => {
    const { metaData: _, ...rest } = groupBy("risk.bad");
    const nameless = compileFiles([{ path, text: JSON.stringify(rest) }]);
    expect(problemLines(nameless)).toEqual([
      `error ${path}: has no metaData.name; add it and compile the config again`,
      `error ${path}: has no metaData.team; add it and compile the config again`,
    ]);
  });
});

describe("a config that cannot be planned", () => {
  test.each([
    {
      title: "a template in a table",
      more: { sources: [events("{{ logged_table }}")] },
      expected: 'error: table "{{ logged_table }}" holds a template nobody filled in',
    },
    {
      title: "a day of no calendar",
      more: { sources: [events("data.a", { startPartition: "2025-02-30" })] },
      expected: 'error: the start of data.a, "2025-02-30", is not a day written yyyy-MM-dd',
    },
    {
      title: "an end before its start",
      more: {
        sources: [events("data.a", { startPartition: "2025-02-02", endPartition: "2025-02-01" })],
      },
      expected: "error: data.a is read from 2025-02-02 to 2025-02-01: it ends before it starts",
    },
    {
      title: "partitions of an hour",
      more: { sources: [events("data.a", { partitionInterval: hours(1) })] },
      expected: "error: data.a has partitions of 1 hours; only partitions of one day are supported",
    },
    {
      title: "a window in hours and a lag in days",
      more: {
        sources: [events("data.a", { partitionLag: days(1) })],
        aggregations: [{ windows: [hours(36)] }],
      },
      expected: "error: a window and a partition lag are in hours and days",
    },
    {
      title: "sources of both models",
      more: { sources: [events("data.a"), { entities: { snapshotTable: "data.b" } }] },
      expected: "error: a GroupBy's sources mix events and entities",
    },
    {
      title: "a window longer than the calendar",
      more: { aggregations: [{ windows: [days(9_007_199_254_740_991)] }] },
      expected: "aggregations.0.windows.0.length: expected a length of at most 1000000",
    },
    {
      title: "a name of a table longer than a plan takes",
      more: { sources: [events(`data.t/${"x=1/".repeat(200)}x=1`)] },
      expected: "is not the name of a table",
    },
    {
      title: "a source of no kind",
      more: { sources: [{}] },
      expected: "error: a source must have exactly one of events, entities and joinSource",
    },
    {
      title: "a source join without a name",
      more: { sources: [{ joinSource: { join: { left: events("data.a") } } }] },
      expected: "error: the join it has as a source has no metaData.name",
    },
    {
      title: "a partition format that does not sort",
      more: { sources: [events("data.a", { partitionFormat: "dd/MM/yyyy" })] },
      expected: 'error: partition format "dd/MM/yyyy" is not supported',
    },
    {
      title: "a field of another type",
      more: { accuracy: 7 },
      expected: "error: is not a compiled conf of group_bys: accuracy: expected one of temporal",
    },
  ])("$title", ({ more, expected }) => {
    expect(onlyProblem(bad(more))).toContain(expected);
    expect(stepsOf(compileFiles([bad(more)]), "risk.bad")).toEqual([]);
  });

  test("a name that disagrees with its path is remarked on, no more", () => {
    const odd = file("group_bys", groupBy("risk.odd"), { path });
    expect(onlyProblem(odd)).toBe('warning: metaData.name is "risk.odd", its path says "risk.bad"');
    expect(stepsOf(compileFiles([odd]), "risk.odd")).toHaveLength(1);
  });

  test("an unknown output namespace", () => {
    expect(onlyProblem(bad({}, { outputNamespace: undefined }))).toContain("no outputNamespace");
  });
});

describe("hostile names", () => {
  const hostile = [
    "../x",
    "a;rm -rf",
    "a b",
    "$(x)",
    "a\u0000b",
    "a\u001b[2J",
    "__proto__",
    "a/b",
    "-x",
  ];

  test.each(hostile)("%j is no config's name, team's or table's", (name) => {
    const named = onlyProblem(bad({}, { name }));
    expect(named).toMatch(/^error: metaData.name ".*" cannot be used/);
    // oxlint-disable-next-line no-control-regex
    expect(named).not.toMatch(/[\u0000-\u001f]/);
    expect(onlyProblem(bad({}, { team: name }))).toMatch(
      /^error: metaData.team ".*" cannot be used/,
    );
    expect(onlyProblem(bad({ sources: [events(`data.${name}`)] }))).toMatch(
      /^error: ".*" is not the name/,
    );
  });

  test("names that every object has are names like any other", () => {
    const names = ["constructor", "toString", "hasOwnProperty"];
    const plan = compileFiles([
      ...names.map((name) =>
        file("group_bys", groupBy(`${name}.x`, {}, { name, team: name, online: 1 })),
      ),
      { path: "teams.json", text: "{}" },
    ]);
    expect(plan.problems.filter(({ severity }) => severity === "error")).toEqual([]);
    for (const name of names) {
      expect(stepOf(plan, `${name}/upload`)).toMatchObject({ team: name, env: {} });
    }
  });

  test("keys that would change objects change nothing", () => {
    const text =
      '{"__proto__": {"polluted": "1"}, "default": {"common_env": {"__proto__": "x", "A": "1"}}}';
    const plan = compileFiles([{ path: "teams.json", text }, good]);
    expect(stepOf(plan, "risk.good/upload").env).toEqual({ A: "1" });
    expect("polluted" in {}).toBe(false);
  });
});
