import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { lakeLayout } from "../../core/lake-layout.ts";
import { readLandings } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { planTable } from "../support/lake.ts";

const fixtures = join(import.meta.dirname, "checkpoints");

/** Version, and files, rows and bytes of each day, as the PyPI package `deltalake` reads them. */
const expected: {
  tables: Record<string, { version: number; live: Record<string, [number, number, number]> }>;
} = JSON.parse(readFileSync(join(fixtures, "expected.json"), "utf8"));

function tableOf(name: string) {
  const layout = lakeLayout([planTable(name)], { [name]: { path: name } });
  const found = layout.tables.get(name);
  if (found === undefined) throw new Error(`${name} lies nowhere`);
  return found;
}

async function read(store: ObjectStore, name: string) {
  const found = await readLandings(store, tableOf(name));
  return { ...found, days: Object.fromEntries(found.landings.get(name) ?? []) };
}

/** The commits that are left do not say what the table is partitioned by. */
const withoutCheckpoint = { version: 8, tableId: null, days: {}, table: { version: { n: 8 } } };

describe("checkpoints of Delta logs", () => {
  let root: string;
  let store: ObjectStore;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "landfall-checkpoints-"));
    cpSync(fixtures, root, { recursive: true });
    store = directoryObjectStore({ root });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test.each(Object.entries(expected.tables))(
    "%s: what is live",
    async (name, { version, live }) => {
      const found = await withDeltaTable(store, name, ({ state }) => ({
        version: state.version,
        live: Object.fromEntries(
          [...state.partitions.values()]
            .filter((partition) => partition.live.size > 0)
            .map(({ values, live: files }) => [
              values["ds"],
              [files.size, [...files.values()].reduce((sum, { bytes }) => sum + bytes, 0)],
            ]),
        ),
      }));
      expect(found).toEqual({
        version,
        live: Object.fromEntries(
          Object.entries(live).map(([day, [files, , bytes]]) => [day, [files, bytes]]),
        ),
      });
    },
  );

  test.each(Object.keys(expected.tables).filter((name) => name !== "with-earlier-commits"))(
    "%s: what the log still tells has its version, what only the checkpoint tells has 0",
    async (name) => {
      const { days, tableId, problem } = await read(store, name);
      expect(days).toMatchObject({
        "2025-09-01": { state: "landed", version: { epoch: 0, n: 0 }, rows: 3 },
        "2025-09-03": { state: "landed", version: { epoch: 0, n: 7 }, rows: 100 },
        "2025-09-04": { state: "landed", version: { epoch: 0, n: 0 }, rows: 6 },
        "2025-09-05": { state: "gone", version: { epoch: 0, n: 8 } },
        "2025-09-06": { state: "landed", version: { epoch: 0, n: 0 }, rows: 8 },
      });
      expect(Object.keys(days)).not.toContain("2025-09-02");
      expect(tableId).toMatch(/^[0-9a-f-]{36}$/);
      expect(problem).toBeNull();
      const written = days["2025-09-01"]?.at ?? 0;
      expect(written).toBeGreaterThan(1_700_000_000_000);
      expect(written).toBeLessThan(days["2025-09-06"]?.at ?? 0);
    },
  );

  test("commits from before the checkpoint that are still there say when", async () => {
    const { days } = await read(store, "with-earlier-commits");
    expect(days).toMatchObject({
      "2025-09-01": { state: "landed", version: { n: 0 } },
      "2025-09-02": { state: "gone", version: { n: 6 } },
      "2025-09-04": { state: "landed", version: { n: 0 } },
      "2025-09-05": { state: "gone", version: { n: 8 } },
      "2025-09-06": { state: "landed", version: { n: 5 }, rows: 8 },
    });
  });

  test("a checkpoint that lacks a part, or a file it names, is none", async () => {
    const part =
      "several-parts/_delta_log/00000000000000000006.checkpoint.0000000002.0000000003.parquet";
    rmSync(join(root, part));
    rmSync(join(root, "v2-json/_delta_log/_sidecars"), { recursive: true });
    for (const name of ["several-parts", "v2-json"]) {
      expect(await read(store, name)).toMatchObject(withoutCheckpoint);
    }
  });

  test.each(["", "PAR1", "not a checkpoint at all, but long enough to be one PAR1"])(
    "what is no checkpoint does not stop the reader: %s",
    async (content) => {
      const log = join(root, "single/_delta_log");
      writeFileSync(join(log, "00000000000000000006.checkpoint.parquet"), content);
      expect(await read(store, "single")).toMatchObject(withoutCheckpoint);
    },
  );

  test("a log of which only the checkpoint is left is read, and followed when it goes on", async () => {
    for (const n of [7, 8]) {
      rmSync(join(root, `single/_delta_log/0000000000000000000${n}.json`));
    }
    const before = await read(store, "single");
    expect(before.version).toBe(6);
    expect(before.days["2025-09-05"]).toMatchObject({
      state: "landed",
      version: { n: 0 },
      rows: 7,
    });
    const later = join(fixtures, "single/_delta_log/00000000000000000007.json");
    cpSync(later, join(root, "single/_delta_log/00000000000000000007.json"));
    const after = await read(store, "single");
    expect(after.days["2025-09-03"]).toMatchObject({ version: { n: 7 }, rows: 100 });
  });
});
