import { describe, expect, test } from "vitest";
import { bringsNews, lakeLayout } from "../../core/lake-layout.ts";
import type { PlanTable } from "../../schemas/plan.ts";

const planTable = (name: string, more: Partial<PlanTable> = {}): PlanTable => ({
  name,
  external: true,
  partitionColumns: ["ds"],
  partitionFormat: "yyyy-MM-dd",
  ...more,
});
const commit = (path: string, n: number | string = 7) =>
  `${path}/_delta_log/${String(n).padStart(20, "0")}.json`;

describe("where tables lie", () => {
  test("below their database, with or without .db, or where settings say", () => {
    const layout = lakeLayout([planTable("db.t"), planTable("db.far")], {
      "db.far": { path: "/raw/far away/" },
    });
    for (const path of ["db/t", "db.db/t"]) {
      expect(layout.locate(commit(path))).toMatchObject({
        kind: "delta-commit",
        version: 7,
        path,
        table: { name: "db.t" },
      });
    }
    expect(layout.locate(commit("raw/far away"))).toMatchObject({ table: { name: "db.far" } });
    expect(layout.locate(commit("db/far"))).toBeNull();
    expect(layout.problems).toEqual([]);
  });

  test("backticks quote, a catalog says nothing, a bare name lies at the root", () => {
    const names = ["demo.`user-activities`", "catalog.sales.orders", "random_table_name"];
    const layout = lakeLayout(
      names.map((name) => planTable(name)),
      {},
    );
    expect(layout.locate(commit("demo/user-activities"))?.table.name).toBe(names[0]);
    expect(layout.locate(commit("sales/orders"))?.table.name).toBe(names[1]);
    expect(layout.locate(commit("random_table_name"))?.table.name).toBe(names[2]);
  });

  test("names that lie nowhere, and names that lie at the same place, are told", () => {
    const names = ["a.b.c.d", "..", "db.t", "cat.db.t", "", "x./../y"];
    const layout = lakeLayout(
      names.map((name) => planTable(name)),
      {},
    );
    expect(layout.problems).toEqual([
      'cannot tell where a.b.c.d lies in the lake; set tables["a.b.c.d"].path',
      'cannot tell where .. lies in the lake; set tables[".."].path',
      'cat.db.t would lie where db.t lies; set tables["cat.db.t"].path',
      'cannot tell where  lies in the lake; set tables[""].path',
    ]);
    expect(layout.locate(commit("db/t"))?.table.name).toBe("db.t");
  });

  test("a path of the settings never leaves the lake", () => {
    const layout = lakeLayout([planTable("db.t")], { "db.t": { path: "../../etc" } });
    expect(layout.tables.size).toBe(0);
  });

  test("a sub-partition is part of its table", () => {
    const layout = lakeLayout(
      [planTable("db.t/hr=00:00"), planTable("db.t", { partitionColumns: ["_DATE"] })],
      {},
    );
    expect(layout.tables.get("db.t")).toEqual({
      name: "db.t",
      paths: ["db/t", "db.db/t"],
      columns: ["ds", "_DATE"],
      format: "yyyy-MM-dd",
      landsAs: [
        { name: "db.t/hr=00:00", fixed: { hr: "00:00" } },
        { name: "db.t", fixed: {} },
      ],
    });
  });
});

describe("what a name says", () => {
  const layout = lakeLayout(
    [planTable("db.t"), planTable("db.packed", { partitionFormat: "yyyyMMdd" })],
    {},
  );

  test.each([
    "db/t/ds=2025-09-30/part-00000-x.c000.snappy.parquet",
    "db/t/_delta_log/00000000000000000010.checkpoint.parquet",
    "db/t/_delta_log/00000000000000000010.checkpoint.3a0d65cd.json",
    "db/t/_delta_log/00000000000000000000.00000000000000000009.compacted.json",
    "db/t/_delta_log/00000000000000000010.crc",
    "db/t/_delta_log/.00000000000000000010.json.crc",
    "db/t/_delta_log/_last_checkpoint",
    "db/t/_delta_log/_commit_1b2c.json.tmp",
    "db/t/_delta_log/_staged_commits/00000000000000000010.3a0d65cd.json",
    "db/t/_delta_log/0.json",
    "db/t/_delta_log/99999999999999999999.json",
    "db/t/_delta_log/0000000000000000001x.json",
    "db/other/_delta_log/00000000000000000010.json",
    "_delta_log/00000000000000000010.json",
    "/_delta_log/00000000000000000010.json",
    "db/t/_SUCCESS",
    "db/t/ds=2025-02-30/_SUCCESS",
    "db/t/hr=13/_SUCCESS",
    "db/other/ds=2025-09-30/_SUCCESS",
    "_SUCCESS",
    "",
    "__proto__",
    "__proto__/_delta_log/00000000000000000010.json",
  ])("%j says nothing", (name) => {
    expect(layout.locate(name)).toBeNull();
  });

  test("a marker names its day and what else its folders say", () => {
    expect(layout.locate("db/t/ds=2025-09-30/_SUCCESS")).toMatchObject({
      kind: "marker",
      partition: "2025-09-30",
      rest: {},
    });
    expect(layout.locate("db.db/t/hr=00%3A00/DS=2025-09-30/_SUCCESS")).toMatchObject({
      partition: "2025-09-30",
      rest: { hr: "00:00" },
      path: "db.db/t",
    });
    expect(layout.locate("db/packed/ds=20250930/_SUCCESS")).toMatchObject({
      partition: "2025-09-30",
    });
    expect(layout.locate("db/t/ds=2025-09-30/hr=%ZZ/_SUCCESS")).toMatchObject({
      rest: { hr: "%ZZ" },
    });
  });
});

test("of a Delta table only the log brings news", () => {
  const delta = (name: string) => name === "_delta_log";
  expect(bringsNews("db/t/_delta_log", delta)).toBe(true);
  expect(bringsNews("db/t/ds=2025-09-30", delta)).toBe(false);
  expect(bringsNews("db/t/_delta_log/_sidecars", () => false)).toBe(false);
  expect(bringsNews("db/t/ds=2025-09-30", () => false)).toBe(true);
  expect(bringsNews("db", () => false)).toBe(true);
});
