import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { lakeLayout } from "../../core/lake-layout.ts";
import { readLandings } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";

const logs = resolve(import.meta.dirname, "../../../shared/data/delta-logs");
const absent = !existsSync(logs);
if (absent) console.log(`skipped: the Delta logs of other writers are not at ${logs}`);

/**
 * What the PyPI package `deltalake` 1.6.6 says of each version: files, rows of files with stats,
 * and bytes of every combination of partition values, by `get_add_actions`.
 */
const liveAccordingToDeltalake: Record<string, Record<string, [number, number]>> = {
  "cdf-table": {
    '{"birthday":"2023-12-22"}': [4, 3399],
    '{"birthday":"2023-12-25"}': [3, 2068],
    '{"birthday":"2023-12-29"}': [2, 1815],
  },
  "delta-0.8.0-date": { "{}": [1, 685] },
  "delta-0.8.0-partitioned": {
    '{"year":"2020","month":"1","day":"1"}': [1, 414],
    '{"year":"2020","month":"2","day":"3"}': [1, 414],
    '{"year":"2020","month":"2","day":"5"}': [1, 414],
    '{"year":"2021","month":"12","day":"20"}': [1, 407],
    '{"year":"2021","month":"12","day":"4"}': [1, 414],
    '{"year":"2021","month":"4","day":"5"}': [1, 414],
  },
  "delta-0.8.0-special-partition": { '{"x":"A/A"}': [1, 460], '{"x":"B B"}': [1, 460] },
  "delta-1.2.1-only-struct-stats": { "{}": [12, 66109] },
  "delta-2.2.0-partitioned-types": {
    '{"c1":"4","c2":"c"}': [1, 452],
    '{"c1":"5","c2":"b"}': [1, 452],
    '{"c1":"6","c2":"a"}': [1, 452],
  },
  simple_table_with_checkpoint: { "{}": [11, 4862] },
  table_with_partitioning_mapping: { '{"id":"1"}': [1, 673], '{"id":"2"}': [1, 787] },
};

describe.skipIf(absent)("Delta logs of other writers", () => {
  const store = directoryObjectStore({ root: logs });
  const read = (table: string, column: string) => {
    const planTable = {
      name: table,
      external: true,
      partitionColumns: [column],
      partitionFormat: "yyyy-MM-dd" as const,
    };
    const found = lakeLayout([planTable], { [table]: { path: table } }).tables.get(table);
    if (found === undefined) throw new Error(`${table} lies nowhere`);
    return readLandings(store, found);
  };

  test.each(Object.entries(liveAccordingToDeltalake))(
    "the files of %s",
    async (table, expected) => {
      const live = await withDeltaTable(store, table, ({ state, problem }) => {
        expect(problem).toBeNull();
        return [...state.partitions.values()]
          .filter((partition) => partition.live.size > 0)
          .map(({ values, live: files }): [string, [number, number]] => [
            JSON.stringify(values),
            [files.size, [...files.values()].reduce((sum, { bytes }) => sum + bytes, 0)],
          ]);
      });
      expect(Object.fromEntries(live)).toEqual(expected);
    },
  );

  test("updates and deletes with change data land the partitions whose rows changed", async () => {
    // Which commit changed what: the add and remove actions of its four commits, read by hand.
    const seen = await read("cdf-table", "birthday");
    expect(seen).toMatchObject({
      tableId: "d38a7090-96be-4b1b-b20f-b85ad8ae1a38",
      version: 3,
      epoch: 0,
      problem: null,
    });
    const of = (state: "landed" | "gone", n: number, at: number) => ({
      state,
      version: { epoch: 0, n },
      at,
      seenBy: "delta",
    });
    expect(Object.fromEntries(seen.landings.get("cdf-table") ?? [])).toEqual({
      "2023-12-22": { ...of("landed", 1, 1703265021675), rows: 3, bytes: 2705 },
      "2023-12-23": of("gone", 1, 1703265021675),
      "2023-12-24": of("gone", 2, 1703886093785),
      "2023-12-25": { ...of("landed", 0, 1703265018828), rows: 3, bytes: 2068 },
      "2023-12-29": of("landed", 3, 1704559499570),
    });
  });

  test("an unpartitioned table lands no day, but has a newest change", async () => {
    const seen = await read("delta-0.8.0-date", "date");
    expect([...(seen.landings.get("delta-0.8.0-date") ?? [])]).toEqual([]);
    expect(seen.table).toMatchObject({ version: { n: 0 }, bytes: 685, at: 1616789902956 });
  });

  test("OPTIMIZE and commits without files change nothing of the whole table", async () => {
    expect((await read("delta-1.2.1-only-struct-stats", "ds")).table?.version.n).toBe(12);
    expect((await read("table_with_partitioning_mapping", "ds")).table?.version.n).toBe(4);
  });

  test("a renamed column keeps its physical name, and its table its id", async () => {
    const seen = await read("table_with_partitioning_mapping", "newid");
    expect(seen.partitionColumns).toEqual([{ name: "newid", physicalName: "id" }]);
    expect(seen).toMatchObject({ version: 4, epoch: 0 });
  });
});
