import { describe, expect, test } from "vitest";
import {
  compileFiles,
  days,
  dependency,
  events,
  file,
  groupBy,
  join,
  stagingQuery,
  stepOf,
} from "../support/configs.ts";

const good = file("group_bys", groupBy("risk.good", {}, { online: 1 }));
const goodSteps = ["risk.good/backfill", "risk.good/upload", "risk.good/upload-to-kv"];
const path = "compiled/group_bys/risk/bad";
const bad = (more: object) => file("group_bys", groupBy("risk.bad", { ...more }), { path });

describe("configs that cannot stand beside one another", () => {
  const writing = (name: string, table: string) =>
    file(
      "staging_queries",
      stagingQuery(name, {}, { executionInfo: { outputTableInfo: { table } } }),
    );

  test("two writers of one table: both are named, neither runs", () => {
    const plan = compileFiles([writing("risk.a", "out.t"), writing("risk.b", "out.t"), good]);
    expect(plan.steps.map((step) => step.id)).toEqual(goodSteps);
    const conflicts = plan.problems.filter(({ severity }) => severity === "error");
    expect(conflicts.map(({ config, message }) => [config, message])).toEqual([
      ["risk.a", "table out.t is also written by risk.b"],
      ["risk.b", "table out.t is also written by risk.a"],
    ]);
  });

  test("a newcomer does not push out who wrote a table before", () => {
    const a = writing("risk.a", "out.t");
    const previous = compileFiles([a]);
    const plan = compileFiles([a, writing("risk.b", "out.t")], { previous });
    expect(plan.steps).toEqual(previous.steps);
  });

  test("two GroupBys with one dataset in the online store", () => {
    const a = groupBy("risk.user_clicks", {}, { online: 1, outputNamespace: "a" });
    const b = groupBy("risk.User.clicks", {}, { online: 1, outputNamespace: "b" });
    const plan = compileFiles([file("group_bys", a), file("group_bys", b)]);
    expect(plan.steps).toEqual([]);
    expect(plan.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining("RISK_USER_CLICKS_BATCH, are also those of risk.user_clicks"),
      expect.stringContaining("RISK_USER_CLICKS_BATCH, are also those of risk.User.clicks"),
    ]);
    const offline = groupBy("risk.User.clicks", {}, { online: 0, outputNamespace: "b" });
    expect(compileFiles([file("group_bys", a), file("group_bys", offline)]).problems).toEqual([]);
  });

  test("of two files with one name, the one whose path says so stands", () => {
    const copy = file("group_bys", groupBy("risk.good"), { path: "compiled/group_bys/risk/copy" });
    const plan = compileFiles([copy, good]);
    expect(stepOf(plan, "risk.good/upload").conf.path).toBe(good.path);
    expect(plan.problems.map(({ severity, file: at }) => [severity, at])).toEqual([
      ["error", copy.path],
      ["warning", copy.path],
    ]);
    expect(plan.problems[0]?.message).toContain(good.path);
  });

  test("when no path says so, none of them does", () => {
    const copies = ["x", "y"].map((at) =>
      file("group_bys", groupBy("risk.same"), { path: `compiled/group_bys/risk/${at}` }),
    );
    const plan = compileFiles([...copies, good]);
    expect(plan.steps.map((step) => step.id)).toEqual(goodSteps);
  });
});

describe("cycles", () => {
  const reading = (name: string, table: string, more: object = {}) =>
    file(
      "staging_queries",
      stagingQuery(name, { tableDependencies: [dependency(table, { ...more })] }),
    );

  test("are named whole, for everybody in them and nobody else", () => {
    const plan = compileFiles([
      reading("risk.a", "out.risk_b"),
      reading("risk.b", "out.risk_c"),
      reading("risk.c", "out.risk_a"),
      reading("risk.after", "out.risk_a"),
    ]);
    expect(plan.problems.map(({ config, message }) => [config, message.split(";")[0]])).toEqual([
      ["risk.a", "cycle: risk.a -> risk.b -> risk.c -> risk.a"],
      ["risk.b", "cycle: risk.b -> risk.c -> risk.a -> risk.b"],
      ["risk.c", "cycle: risk.c -> risk.a -> risk.b -> risk.c"],
    ]);
    expect(plan.steps.map((step) => step.id)).toEqual(["risk.after/backfill"]);
    expect(stepOf(plan, "risk.after/backfill").inputs[0]?.producedBy).toBe("risk.a");
  });

  test("of one config", () => {
    const plan = compileFiles([reading("risk.a", "out.risk_a")]);
    expect(plan.problems[0]?.message).toContain("cycle: risk.a -> risk.a;");
  });

  test("yesterday's own output closes none", () => {
    const plan = compileFiles([
      reading("risk.a", "out.risk_a", { startOffset: days(1), endOffset: days(1) }),
    ]);
    expect(plan.problems).toEqual([]);
    expect(stepOf(plan, "risk.a/backfill").inputs[0]?.producedBy).toBe("risk.a");
  });

  test("long ones are found, and spelled out once", () => {
    const count = 3_000;
    const files = Array.from({ length: count }, (_, at) =>
      reading(`risk.n${at}`, `out.risk_n${(at + 1) % count}`),
    );
    const plan = compileFiles(files);
    expect(plan.steps).toEqual([]);
    expect(plan.problems).toHaveLength(count);
    const spelled = plan.problems.filter(({ message }) => message.startsWith("cycle: "));
    expect(spelled.map(({ config }) => config)).toEqual(["risk.n0"]);
    expect(spelled[0]?.message.split(" -> ")).toHaveLength(count + 1);
  });

  test("through a join and a GroupBy of it", () => {
    const left = join("risk.join", { left: events("out.risk_gb") });
    const gb = groupBy("risk.gb", { sources: [{ joinSource: { join: left } }] });
    const plan = compileFiles([file("joins", left), file("group_bys", gb)]);
    expect(plan.steps).toEqual([]);
    expect(plan.problems[0]?.message).toContain("risk.gb -> risk.join -> risk.gb");
  });
});

describe("releases", () => {
  const before = compileFiles([good, bad({})]);

  test("a config with an error keeps its last good steps", () => {
    const broken = { path, text: "{" };
    const plan = compileFiles([good, broken], { previous: before });
    expect(plan.steps).toEqual(before.steps);
    expect(plan.tables).toEqual(before.tables);
    expect(plan.problems).toHaveLength(1);
    const dated = bad({ sources: [events("data.other", { startPartition: "soon" })] });
    expect(compileFiles([good, dated], { previous: before }).steps).toEqual(before.steps);
  });

  test("and again at the next release, and gets its new ones when it is mended", () => {
    const broken = compileFiles([good, { path, text: "{" }], { previous: before });
    const still = compileFiles([good, { path, text: "{{" }], { previous: broken });
    expect(still.steps).toEqual(before.steps);
    const mended = compileFiles([good, bad({ sources: [events("data.other")] })], {
      previous: still,
    });
    expect(stepOf(mended, "risk.bad/backfill").inputs[0]?.table).toBe("data.other");
    expect(mended.problems).toEqual([]);
  });

  test("a config that moved has its new steps once, though its old file is broken", () => {
    const moved = {
      ...bad({ sources: [events("data.other")] }),
      path: "compiled/group_bys/x/moved",
    };
    const plan = compileFiles([good, { path, text: "{" }, moved], { previous: before });
    const own = plan.steps.filter((step) => step.config === "risk.bad");
    expect(own.map((step) => [step.id, step.conf.path])).toEqual([
      ["risk.bad/backfill", moved.path],
    ]);
  });

  test("a config whose file vanished is retired", () => {
    expect(compileFiles([good], { previous: before }).steps.map((step) => step.id)).toEqual(
      goodSteps,
    );
  });

  test("a broken teams file leaves configs the environment they had", () => {
    const teams = { path: "teams.json", text: '{"default": {"common_env": {"A": "1"}}}' };
    const previous = compileFiles([teams, good]);
    const plan = compileFiles([{ ...teams, text: "{" }, good], { previous });
    expect(plan.steps).toEqual(previous.steps);
    expect(plan.problems).toMatchObject([{ severity: "error", file: "teams.json" }]);
  });
});
