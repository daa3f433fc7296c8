import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stableJson } from "../../core/hash.ts";
import { isWrittenFrom, metadataBy, rowBy } from "../../core/metadata-by.ts";
import { Settings } from "../../schemas/settings.ts";
import { compileFiles, file, groupBy, join } from "../support/configs.ts";
import { planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const hourMs = 3_600_000;

describe("who writes metadata", () => {
  const settings = Settings.parse({
    metadata: { by: "others" },
    teams: { risk: { metadata: "job" }, growth: { limit: 3 }, ads: { metadata: "landfall" } },
  });
  test.each([
    ["risk", "job"],
    ["growth", "others"],
    ["ads", "landfall"],
    ["toString", "others"],
  ])("the nearest says: %s is of %s", (team, by) => {
    expect(metadataBy(settings, team)).toBe(by);
  });

  test("Chronon has no job for model transforms, so Landfall writes those", () => {
    const row = { team: "risk", conf: { path: "compiled/x", hash: "1" } };
    expect(rowBy(settings, { ...row, key: "joins/risk.a" })).toBe("job");
    expect(rowBy(settings, { ...row, key: "models/risk.a" })).toBe("landfall");
  });

  test("a job is a daily step of each join and online GroupBy of zipline's, and of no other", () => {
    const old = { path: "production/joins/risk/old", root: "production" };
    const files = [
      file("joins", join("risk.a")),
      file("joins", join("growth.a")),
      file("group_bys", groupBy("risk.online", {}, { online: 1 })),
      file("group_bys", groupBy("risk.offline")),
      file("joins", join("risk.old", {}, { dependencies: [] }), old),
    ];
    const { steps } = compileFiles(files, { settings });
    const uploads = steps.filter(({ mode }) => mode === "metadata-upload");
    expect(uploads.map(({ id, pipeline, schedule }) => [id, pipeline, schedule])).toEqual([
      ["risk.a/metadata-upload", "chronon_metadata", "@daily"],
      ["risk.online/metadata-upload", "chronon_metadata", "@daily"],
    ]);
  });
});

describe("a row is of a conf", () => {
  const conf = { metaData: { name: "a", online: 1 }, parts: [{ n: 100 }, { n: 2 }] };
  test.each([
    ["as it is", conf, true],
    ["in another order", { parts: [{ n: 100 }, { n: 2 }], metaData: conf.metaData }, true],
    ["without fields that Chronon does not know", { parts: conf.parts }, true],
    ["with another value", { parts: [{ n: 101 }, { n: 2 }] }, false],
    ["with a part less", { parts: [{ n: 100 }] }, false],
    ["with parts in another order", { parts: [{ n: 2 }, { n: 100 }] }, false],
    ["with a field more", { ...conf, left: {} }, false],
    ["no JSON", undefined, false],
    ["a list", [conf], false],
  ])("%s: %#", (_, stored, is) => {
    expect(isWrittenFrom(stored, conf)).toBe(is);
  });

  test("numbers are compared as numbers: Java writes 100.0", () => {
    expect(isWrittenFrom(JSON.parse('{"n":100.0}'), { n: 100 })).toBe(true);
  });

  test("what is written in any order is of it, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const compiled: unknown = JSON.parse(JSON.stringify(value));
        expect(isWrittenFrom(JSON.parse(stableJson(compiled)), compiled)).toBe(true);
      }),
    );
  });
});

describe("a task that uploads a conf", () => {
  const of = (hash: string) =>
    planOf(
      step("risk.a", [], {
        mode: "metadata-upload",
        confType: "joins",
        output: "",
        effect: "none",
        verification: "metadata-row",
        strategy: "latest-only",
        conf: { path: "compiled/joins/risk/a", hash },
      }),
    );
  const id = "risk.a/metadata-upload@2025-10-01";
  const due = { kind: "due", step: "risk.a/metadata-upload" } as const;
  const row = (n: number | null) => ({
    outputs: [
      {
        table: "CHRONON_METADATA",
        partition: "2025-10-01",
        landing:
          n === null
            ? null
            : ({ state: "landed", version: { epoch: 0, n }, at: n, seenBy: "job" } as const),
      },
    ],
  });

  test("is done once its row was read back, and done again when another conf is released", () => {
    const w = world(of("1"));
    w.nudge(due);
    expect(w.state(id)).toBe("launching");
    w.settle(id, row(w.now()));
    expect(w.task(id)).toMatchObject({ conf: "1", state: { kind: "succeeded" } });
    w.nudge({ kind: "concern", task: id });
    expect(w.state(id)).toBe("succeeded");
    w.usePlan(of("2"));
    w.nudge({ kind: "step-added", step: "risk.a/metadata-upload" });
    expect(w.task(id)).toMatchObject({ conf: "2", state: { kind: "launching", run: 2 } });
    expect(w.task(id)?.runs.at(-1)?.because).toBe("another conf was released");
  });

  test("whose conf changes while its job runs is done for that, then again for the new one", () => {
    const w = world(of("1"));
    w.nudge(due);
    w.usePlan(of("2"));
    w.settle(id, row(w.now()));
    expect(w.task(id)).toMatchObject({ conf: "2", state: { kind: "launching", run: 2 } });
  });

  test.each([
    ["no row of its conf is there", null, "CHRONON_METADATA has no row joins/risk.a of this conf"],
    [
      "the row is older than the attempt",
      -2 * hourMs,
      "row joins/risk.a of CHRONON_METADATA is as",
    ],
  ])("fails when its job exits 0 and %s", (_, ago, why) => {
    const w = world(of("1"), { retries: { job: { max: 0 } } } as Partial<Settings>);
    w.nudge(due);
    w.settle(id, row(ago === null ? null : w.now() + ago));
    expect(w.state(id)).toBe("failed");
    expect(w.why(id)).toContain(`exit 0, nothing written: ${why}`);
  });

  test("is believed where the online store is out of reach", () => {
    const w = world(of("1"), { servingInfo: "believe" });
    w.nudge(due);
    w.settle(id);
    expect(w.why(id)).toBe("done: its row in the online store was not looked at");
  });

  test("of days that nobody saw only the newest is done: one row is as new as the other", () => {
    const w = world(of("1"));
    w.nudge(due);
    w.settle(id, row(w.now()));
    w.pass(96 * hourMs);
    w.nudge(due);
    expect(w.tasks().map((task) => task.end)).toEqual(["2025-10-01", "2025-10-05"]);
  });
});
