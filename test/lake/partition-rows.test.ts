import { parquetWriteBuffer } from "hyparquet-writer";
import { beforeEach, describe, expect, test } from "vitest";
import { openSimulated } from "../../adapters/simulated/open.ts";
import type { LakeTable } from "../../core/lake-layout.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import { partitionRows } from "../../lake/partition-rows.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Partition } from "../../schemas/ids.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";

const path = "out/t";
const table: LakeTable = {
  name: "out.t",
  paths: [path, "out.db/t"],
  columns: ["ds"],
  format: "yyyy-MM-dd",
  landsAs: [{ name: "out.t", fixed: {} }],
};
const day = "2025-09-30";

let lake: ObjectStore;
beforeEach(() => {
  const options = { start: 0, seed: 1, settings: Settings.parse({}) };
  ({ lake } = openSimulated({ ...options, behaviour: RehearsalBehaviour.parse({}) }));
});

/** A file of one row with these columns. */
const fileOf = (row: Readonly<Record<string, number>>) => () =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: Object.entries(row).map(([name, value]) => ({
        name,
        data: [BigInt(value)],
        type: "INT64",
      })),
    }),
  );

const write = (
  row: Readonly<Record<string, number>>,
  { at = day, fixed = {}, mode = "append" as "append" | "overwrite-partitions" } = {},
) =>
  commitDelta(
    lake,
    { path, partitionColumn: "ds", fixed },
    {
      partitions: [{ partition: at, rows: 1 }],
      mode,
      operation: "WRITE",
      engineInfo: "test",
      dataFile: fileOf(row),
      at: 1,
    },
  );

const read = (partition: Partition, wanted = (columns: readonly string[]) => columns) =>
  partitionRows(lake, { table, partition }, wanted);

describe("the rows of a partition", () => {
  test("are those of its live files, whatever was there before or is of another day", async () => {
    await write({ n: 1 });
    await write({ n: 2 }, { mode: "overwrite-partitions" });
    await write({ n: 3 }, { at: "2025-10-01" });
    await write({ n: 4, m: 5 });
    const { columns, rows } = await read(day);
    expect(columns).toEqual(["n", "m"]);
    expect(rows).toEqual([{ n: 2n }, { n: 4n, m: 5n }]);
  });

  test("are read as far as they are wanted, and counted even if nothing of them is", async () => {
    await write({ n: 1, m: 2 });
    const some = await read(day, (columns) => columns.filter((column) => column === "m"));
    expect(some).toEqual({ columns: ["m"], rows: [{ m: 2n }] });
    expect((await read(day, () => [])).rows).toHaveLength(1);
  });

  test("are whole where there are more columns than are read at once", async () => {
    const row = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`c${at}`, at]));
    await write(row);
    const wanted = (columns: readonly string[]) => columns.filter((column) => column !== "c7");
    const { columns, rows } = await read(day, wanted);
    expect(columns).toHaveLength(249);
    const { c7: _, ...rest } = row;
    const wide = Object.entries(rest).map(([name, value]) => [name, BigInt(value)]);
    expect(rows).toEqual([Object.fromEntries(wide)]);
  });

  test("are found where names are escaped twice, once for folders and once for the log", async () => {
    await write({ n: 7 }, { fixed: { "a b": "10:00 %" } });
    expect((await read(day)).rows).toEqual([{ n: 7n }]);
  });
});

describe("what cannot be read is said in a sentence", () => {
  const add = (more: object) =>
    Buffer.from(
      `${JSON.stringify({ add: { path: "f", partitionValues: { ds: day }, size: 1, ...more } })}\n`,
    );
  const commit = (bytes: Uint8Array) =>
    lake.write(`${path}/_delta_log/00000000000000000001.json`, bytes);

  test("no table, or none of the day", async () => {
    await expect(read(day)).rejects.toThrow("there is no table out.t");
    await write({ n: 1 });
    await expect(read("2025-10-01")).rejects.toThrow("out.t has no files at 2025-10-01");
  });

  test("deletion vectors, which say that rows of a file are gone", async () => {
    await write({ n: 1 });
    const deletionVector = {
      storageType: "u",
      pathOrInlineDv: "x",
      sizeInBytes: 1,
      cardinality: 1,
    };
    await commit(add({ deletionVector }));
    await expect(read(day)).rejects.toThrow("out.t has deletion vectors");
  });

  test("more than fits into memory", async () => {
    await write({ n: 1 });
    await commit(add({ size: 300_000_000 }));
    await expect(read(day)).rejects.toThrow(
      /^out\.t has 3\d+ bytes at 2025-09-30, too many to read$/,
    );
  });

  test("a commit that is half written may be whole the next time", async () => {
    await write({ n: 1 });
    await commit(Buffer.from('{"add":'));
    await expect(read(day)).rejects.toMatchObject({ name: "RetryableError" });
  });
});
