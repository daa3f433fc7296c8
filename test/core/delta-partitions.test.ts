import { describe, expect, test } from "vitest";
import type { DeltaFile } from "../../core/delta.ts";
import { dayColumn, dayOfValue, touchedPartitions } from "../../core/delta-partitions.ts";

const column = (name: string, physicalName = name) => ({ name, physicalName });
const file = (
  kind: "add" | "remove",
  partitionValues: DeltaFile["partitionValues"],
  more: Partial<DeltaFile> = {},
): DeltaFile => ({
  kind,
  key: "k",
  path: "k",
  partitionValues,
  dataChange: true,
  rows: kind === "add" ? 10 : null,
  bytes: 100,
  modifiedAt: null,
  ...more,
});

describe("days in partition values", () => {
  test.each([
    ["2025-09-30", "2025-09-30"],
    ["2025-09-30 00:00:00", "2025-09-30"],
    ["2025-09-30 00:00:00.000000", "2025-09-30"],
    ["2025-09-30T00:00:00.000000Z", "2025-09-30"],
    ["2025-09-30 13:00:00", null],
    ["2025-02-30", null],
    ["20250930", null],
    ["__HIVE_DEFAULT_PARTITION__", null],
    ["", null],
    [null, null],
    [undefined, null],
    ["2025-09-30/../x", null],
    ["constructor", null],
  ])("%j written yyyy-MM-dd is %j", (value, day) => {
    expect(dayOfValue(value, "yyyy-MM-dd")).toBe(day);
  });

  test.each([
    ["20250930", "2025-09-30"],
    ["20250230", null],
    ["2025-09-30", "2025-09-30"],
    ["2025093", null],
  ])("%j written yyyyMMdd is %j", (value, day) => {
    expect(dayOfValue(value, "yyyyMMdd")).toBe(day);
  });
});

describe("the partitions a commit touched", () => {
  const reading = {
    columns: [column("ds", "col-1"), column("hr")],
    day: { column: column("ds", "col-1"), format: "yyyy-MM-dd" as const },
    tables: [
      { name: "db.t", fixed: {} },
      { name: "db.t/hr=00:00", fixed: { hr: "00:00" } },
    ],
  };

  test("files of one day count together, under the table and under its sub-partition", () => {
    const files = [
      file("add", { "col-1": "2025-09-30", hr: "00:00" }),
      file("add", { "col-1": "2025-09-30", hr: "01:00" }),
      file("remove", { "col-1": "2025-09-29", hr: "01:00" }),
    ];
    expect(touchedPartitions({ files }, reading).touched).toEqual([
      { table: "db.t", partition: "2025-09-30", adds: 2, rows: 20, bytes: 200 },
      { table: "db.t/hr=00:00", partition: "2025-09-30", adds: 1, rows: 10, bytes: 100 },
      { table: "db.t", partition: "2025-09-29", adds: 0, rows: 0, bytes: 0 },
    ]);
  });

  test("rearranged files touch nothing", () => {
    const values = { "col-1": "2025-09-30", hr: "1" };
    const files = [
      file("add", values, { dataChange: false }),
      file("remove", values, { dataChange: false }),
    ];
    expect(touchedPartitions({ files }, reading)).toEqual({ touched: [], notDays: [] });
  });

  test("a deletion vector's add and remove of one path is a landing", () => {
    const values = { "col-1": "2025-09-30", hr: "1" };
    const files = [file("remove", values), file("add", values, { key: "k\nu@1" })];
    expect(touchedPartitions({ files }, reading).touched).toMatchObject([{ adds: 1 }]);
  });

  test("rows are not known when one file does not say", () => {
    const values = { "col-1": "2025-09-30", hr: "1" };
    const files = [file("add", values), file("add", values, { rows: null })];
    expect(touchedPartitions({ files }, reading).touched).toMatchObject([
      { rows: null, bytes: 200 },
    ]);
  });

  test("values that are no day are told once each", () => {
    const files = ["x", "x", null].map((value) => file("add", { "col-1": value, hr: "1" }));
    expect(touchedPartitions({ files }, reading)).toEqual({ touched: [], notDays: ["x", "null"] });
  });

  test("names from Object.prototype are neither columns nor values", () => {
    const files = [file("add", {})];
    const hostile = {
      ...reading,
      columns: [column("constructor")],
      day: { column: column("constructor"), format: "yyyy-MM-dd" as const },
    };
    expect(touchedPartitions({ files }, hostile)).toEqual({ touched: [], notDays: ["null"] });
  });
});

test("the day is in the first column the readers name, in any case of letters", () => {
  const columns = [column("hr"), column("_DATE")];
  expect(dayColumn(columns, ["ds", "_date"])).toEqual(column("_DATE"));
  expect(dayColumn(columns, ["ds"])).toBeNull();
  expect(dayColumn([], ["ds"])).toBeNull();
});
