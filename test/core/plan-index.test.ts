import { describe, expect, test } from "vitest";
import { indexPlan } from "../../core/plan-index.ts";
import {
  compileFiles,
  dependency,
  events,
  file,
  groupBy,
  join,
  stagingQuery,
} from "../support/configs.ts";

const plan = compileFiles([
  file(
    "staging_queries",
    stagingQuery("risk.clean", { tableDependencies: [dependency("raw.clicks")] }),
  ),
  file("group_bys", groupBy("risk.clicks", { sources: [events("out.risk_clean")] }, { online: 1 })),
  file("joins", join("risk.all", { left: events("out.risk_clean/hr=00:00") })),
]);
const index = indexPlan(plan);

describe("the index of a plan", () => {
  test("finds steps by id and by config", () => {
    expect(index.step("risk.clicks/upload")?.mode).toBe("upload");
    expect(index.step("risk.clicks/streaming")).toBeUndefined();
    expect(index.stepsOfConfig("risk.clicks").map((step) => step.mode)).toEqual([
      "backfill",
      "upload",
      "upload-to-kv",
    ]);
    expect(index.stepsOfConfig("risk.nobody")).toEqual([]);
  });

  test("knows who reads a table, and by which input", () => {
    const readers = index.readersOf("out.risk_clean");
    expect(readers.map(({ step }) => step.id)).toEqual([
      "risk.clicks/backfill",
      "risk.clicks/upload",
    ]);
    expect(readers.map(({ input }) => input.startOffset)).toEqual(["P7D", "P7D"]);
    expect(index.readersOf("raw.nothing")).toEqual([]);
  });

  test("knows who writes a table, and one of its sub-partitions", () => {
    expect(index.producerOf("out.risk_clean")?.id).toBe("risk.clean/backfill");
    expect(index.producerOf("out.risk_clean/hr=00:00")?.id).toBe("risk.clean/backfill");
    expect(index.producerOf("raw.clicks")).toBeUndefined();
  });

  test("knows what follows a step", () => {
    expect(index.followers("risk.clicks/upload").map((step) => step.id)).toEqual([
      "risk.clicks/upload-to-kv",
    ]);
    expect(index.followers("risk.clicks/upload-to-kv")).toEqual([]);
  });

  test("names that every object has are no tables, steps or configs", () => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      expect(index.step(name)).toBeUndefined();
      expect(index.producerOf(name)).toBeUndefined();
      expect(index.readersOf(name)).toEqual([]);
      expect(index.tables.get(name)).toBeUndefined();
    }
  });
});
