import { describe, expect, test } from "vitest";
import type { PlanInput } from "../../schemas/plan.ts";
import {
  compileFiles,
  days,
  dependency,
  entities,
  events,
  file,
  groupBy,
  hours,
  join,
  problemLines,
  stagingQuery,
  stepOf,
} from "../support/configs.ts";

const ds = { partitionColumn: "ds" };
const today = { startOffset: "P0D", endOffset: "P0D", ...ds };
const online = { online: 1 };

/** What the backfill of a GroupBy with these fields reads. */
function readsOf(more: Record<string, unknown>): readonly PlanInput[] {
  const plan = compileFiles([file("group_bys", groupBy("risk.gb", more))]);
  expect(problemLines(plan)).toEqual([]);
  return stepOf(plan, "risk.gb/backfill").inputs;
}

function joinReadsOf(part: Record<string, unknown>, left: unknown = events("data.left")) {
  const parts = [{ groupBy: groupBy("risk.part", part) }];
  const plan = compileFiles([file("joins", join("risk.join", { left, joinParts: parts }))]);
  expect(problemLines(plan)).toEqual([]);
  return stepOf(plan, "risk.join/backfill").inputs;
}

const windowed = (...windows: unknown[]) => [{ inputColumn: "a", operation: 7, windows }];
const unwindowed = [{ inputColumn: "a", operation: 7 }];

describe("what a GroupBy reads", () => {
  test("events: as far back as its longest window", () => {
    const aggregations = [...windowed(days(7), days(30)), ...windowed(hours(36))];
    expect(readsOf({ aggregations })[0]?.startOffset).toBe("P30D");
    expect(readsOf({ aggregations: windowed(days(1), hours(36)) })[0]?.startOffset).toBe("PT36H");
  });

  test("events: everything when one aggregation has no window, or there is none", () => {
    for (const aggregations of [[...windowed(days(7)), ...unwindowed], unwindowed, []]) {
      expect(readsOf({ aggregations })[0]?.startOffset).toBeNull();
    }
    expect(readsOf({ aggregations: undefined })[0]?.startOffset).toBeNull();
  });

  test("events with a lag: the window and the lag, up to the lag", () => {
    const sources = [events("data.events", { partitionLag: days(2) })];
    expect(readsOf({ sources })[0]).toMatchObject({ startOffset: "P9D", endOffset: "P2D" });
  });

  test("a cumulative table: its latest partition", () => {
    const sources = [events("data.events", {}, { isCumulative: 1 })];
    expect(readsOf({ sources })).toEqual([
      { table: "data.events", startOffset: null, endOffset: "P0D", ...ds, cumulative: true },
    ]);
  });

  test("entities: the snapshot of the day and no mutations, whatever the windows", () => {
    const sources = [
      entities("data.users", {}, { mutationTable: "data.user_changes", mutationTopic: "users" }),
    ];
    expect(readsOf({ sources, accuracy: 0 })).toEqual([{ table: "data.users", ...today }]);
    const lagged = [entities("data.users", { partitionLag: days(1) })];
    expect(readsOf({ sources: lagged })[0]).toMatchObject({ startOffset: "P1D", endOffset: "P1D" });
  });

  test("cut-offs, columns and sub-partitions as the source says", () => {
    const sources = [
      events("data.events/hr=00:00", {
        startPartition: "2024-01-01",
        endPartition: "2024-06-30",
        partitionColumn: "day",
      }),
      events("data.more", { subPartitionsToWaitFor: ["hr=23:00"] }),
    ];
    expect(readsOf({ sources, aggregations: windowed(days(7)) })).toEqual([
      {
        table: "data.events/hr=00:00",
        startOffset: "P7D",
        endOffset: "P0D",
        startCutOff: "2024-01-01",
        endCutOff: "2024-06-30",
        partitionColumn: "day",
      },
      { table: "data.more/hr=23:00", startOffset: "P7D", endOffset: "P0D", ...ds },
    ]);
  });

  test("backticks are SQL's, not the table's", () => {
    expect(readsOf({ sources: [events("demo.`user-activities`")] })[0]?.table).toBe(
      "demo.user-activities",
    );
  });

  test("the same source twice is one input", () => {
    expect(
      readsOf({ sources: [events("data.a"), events("data.a", { wheres: ["x"] })] }),
    ).toHaveLength(1);
  });

  test("dates in another format become Landfall's", () => {
    const query = { partitionFormat: "yyyyMMdd", startPartition: "20240101" };
    const plan = compileFiles([
      file("group_bys", groupBy("risk.gb", { sources: [events("data.a", query)] })),
    ]);
    expect(stepOf(plan, "risk.gb/backfill").inputs[0]?.startCutOff).toBe("2024-01-01");
    expect(plan.tables.map((table) => [table.name, table.partitionFormat])).toEqual([
      ["data.a", "yyyyMMdd"],
      ["out.risk_gb", "yyyy-MM-dd"],
    ]);
  });

  test("the output of a join that is its source, which another config writes", () => {
    const parent = join("risk.parent", { left: events("data.left") });
    const chained = groupBy("risk.gb", { sources: [{ joinSource: { join: parent } }] });
    const plan = compileFiles([file("joins", parent), file("group_bys", chained)]);
    expect(problemLines(plan)).toEqual([]);
    expect(stepOf(plan, "risk.gb/backfill").inputs).toEqual([
      {
        table: "out.risk_parent",
        startOffset: "P7D",
        endOffset: "P0D",
        ...ds,
        producedBy: "risk.parent",
      },
    ]);
  });

  test("a source join that nobody compiles is remarked on", () => {
    const chained = groupBy("risk.gb", {
      sources: [{ joinSource: { join: join("risk.parent") } }],
    });
    const plan = compileFiles([file("group_bys", chained)]);
    expect(problemLines(plan)).toEqual([
      "warning compiled/group_bys/risk/gb: it reads out.risk_parent, the output of join risk.parent, but no file compiles that",
    ]);
  });
});

describe("what a join reads", () => {
  const changes = { mutationTable: "data.user_changes/hr=00:00", mutationTopic: "users" };
  const cut = { startPartition: "2025-01-01" };

  test("its left side of the day, and the sources of its parts", () => {
    expect(joinReadsOf({})).toEqual([
      { table: "data.left", ...today },
      { table: "data.events", startOffset: "P7D", endOffset: "P0D", ...ds },
    ]);
  });

  test("temporal entities beside events: yesterday's snapshot and today's mutations", () => {
    const sources = [entities("data.users", cut, changes)];
    const expected = [
      {
        table: "data.users",
        startOffset: "P1D",
        endOffset: "P1D",
        startCutOff: "2025-01-01",
        ...ds,
      },
      { table: "data.user_changes/hr=00:00", ...today, startCutOff: "2025-01-01" },
    ];
    expect(joinReadsOf({ sources, accuracy: 0 }).slice(1)).toEqual(expected);
    expect(joinReadsOf({ sources }).slice(1)).toEqual(expected);
  });

  test("entities that are a snapshot, or beside entities: today's snapshot only", () => {
    const sources = [entities("data.users", cut, changes)];
    const snapshot = [{ table: "data.users", ...today, startCutOff: "2025-01-01" }];
    expect(joinReadsOf({ sources, accuracy: 1 }).slice(1)).toEqual(snapshot);
    expect(joinReadsOf({ sources }, entities("data.left")).slice(1)).toEqual(snapshot);
  });

  test("bootstrap tables within their own dates", () => {
    const bootstrapParts = [
      { table: "data.old", query: { startPartition: "2022-01-01", endPartition: "2022-02-01" } },
    ];
    const plan = compileFiles([file("joins", join("risk.join", { bootstrapParts }))]);
    expect(stepOf(plan, "risk.join/backfill").inputs[1]).toEqual({
      table: "data.old",
      ...today,
      startCutOff: "2022-01-01",
      endCutOff: "2022-02-01",
    });
  });

  test("not the output of a GroupBy, unless it names that table", () => {
    const part = groupBy("risk.gb", {}, online);
    const plan = compileFiles([
      file("group_bys", part),
      file("joins", join("risk.raw", { joinParts: [{ groupBy: part }] })),
      file("joins", join("risk.named", { left: events("out.risk_gb") })),
    ]);
    const inputs = (id: string) =>
      stepOf(plan, id).inputs.map((input) => [input.table, input.producedBy]);
    expect(inputs("risk.raw/backfill")).toEqual([
      ["data.checkouts", undefined],
      ["data.events", undefined],
    ]);
    expect(inputs("risk.named/backfill")).toEqual([["out.risk_gb", "risk.gb"]]);
  });
});

describe("what a staging query reads", () => {
  const readsOfQuery = (more: object, metaData: object = {}, root = "compiled") => {
    const conf = stagingQuery("risk.sq", { ...more }, { ...metaData });
    return stepOf(compileFiles([file("staging_queries", conf, { root })]), "risk.sq/backfill");
  };

  test("its dependencies as they are written", () => {
    const tableDependencies = [
      dependency("data.a"),
      dependency("data.b", { startOffset: days(3), endOffset: days(1) }),
      dependency("data.c", { startOffset: undefined, startCutOff: "2026-02-25" }),
      dependency("data.d", { endOffset: undefined, endCutOff: "2026-03-01" }),
    ];
    expect(readsOfQuery({ tableDependencies }).inputs).toEqual([
      { table: "data.a", ...today },
      { table: "data.b", startOffset: "P3D", endOffset: "P1D", ...ds },
      { table: "data.c", startOffset: null, endOffset: "P0D", startCutOff: "2026-02-25", ...ds },
      { table: "data.d", ...today, endCutOff: "2026-03-01" },
    ]);
  });

  test("texts of the old schema, lags and sub-partitions in them", () => {
    const dependencies = [
      "data.a/ds={{ ds }}",
      "data.b/ds={{ macros.ds_add(ds, -1) }}/hr=00:00",
      "data.signals/day={{ds}}/table_name=c",
      "data.fixed/ds=2024-02-29",
    ];
    expect(readsOfQuery({}, { dependencies }, "production").inputs).toEqual([
      { table: "data.a", ...today },
      { table: "data.b/hr=00:00", startOffset: "P1D", endOffset: "P1D", ...ds },
      { table: "data.signals/table_name=c", ...today, partitionColumn: "day" },
      {
        table: "data.fixed",
        startOffset: null,
        endOffset: "P0D",
        startCutOff: "2024-02-29",
        endCutOff: "2024-02-29",
        ...ds,
      },
    ]);
  });

  test("a lag with the wrong sign is read as a lag, with a remark", () => {
    const conf = stagingQuery(
      "risk.sq",
      {},
      { dependencies: ["a.b/ds={{ macros.ds_add(ds, 1) }}"] },
    );
    const plan = compileFiles([file("staging_queries", conf, { root: "production" })]);
    expect(stepOf(plan, "risk.sq/backfill").inputs[0]).toMatchObject({
      startOffset: "P1D",
      endOffset: "P1D",
    });
    expect(plan.problems).toMatchObject([{ severity: "warning", config: "risk.sq" }]);
  });

  test("nothing of Airflow's dependencies", () => {
    const customJson = JSON.stringify({ airflowDependencies: [{ spec: "data.z/ds={{ ds }}" }] });
    const step = readsOfQuery({ tableDependencies: [dependency("data.a")] }, { customJson });
    expect(step.inputs.map((input) => input.table)).toEqual(["data.a"]);
  });

  test("a table without a partition column is not waited for, which is remarked on", () => {
    const bare = { tableInfo: { table: "data.a" } };
    const conf = stagingQuery("risk.sq", { tableDependencies: [bare, dependency("data.b")] });
    const plan = compileFiles([file("staging_queries", conf)]);
    expect(stepOf(plan, "risk.sq/backfill").inputs.map((input) => input.table)).toEqual(["data.b"]);
    expect(plan.problems).toMatchObject([{ severity: "warning" }]);
  });
});
