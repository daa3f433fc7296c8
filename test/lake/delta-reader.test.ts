import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readLog } from "../../lake/delta-log.ts";
import { readLandings } from "../../lake/delta-reader.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { actions, lakeTableOf, planTable, temporaryLake, writeCommit } from "../support/lake.ts";

const { add, remove, metaData } = actions;
const table = lakeTableOf(planTable("db.t"), planTable("db.t/hr=00:00"));
const day = { ds: "2025-09-30" };

describe("reading landings", () => {
  let opened: ReturnType<typeof temporaryLake>;
  let lake: ObjectStore;
  beforeEach(() => {
    opened = temporaryLake();
    lake = opened.lake;
  });
  afterEach(() => opened.remove());

  const commit = (version: number, ...body: object[]) =>
    writeCommit(lake, "db/t", { version, body: [{ commitInfo: { timestamp: version } }, ...body] });
  const landings = async (name = "db.t") =>
    Object.fromEntries((await readLandings(lake, table)).landings.get(name) ?? []);

  test("of a table that is not there nothing is known", async () => {
    expect(await readLandings(lake, table)).toMatchObject({
      tableId: null,
      version: -1,
      table: null,
    });
  });

  test("a partition is gone when its last file was taken, and back when one comes", async () => {
    await commit(0, metaData("t", "ds"), add("a", day), add("b", day));
    await commit(1, remove("a", day));
    expect(await landings()).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 1 } },
    });
    await commit(2, remove("b", null));
    expect(await landings()).toMatchObject({ "2025-09-30": { state: "gone", version: { n: 2 } } });
    await commit(3, add("c", day));
    expect(await landings()).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 3 }, rows: 10 },
    });
  });

  test("where its log was read before no list is asked for, and it is found where it moved to", async () => {
    const listed: string[] = [];
    const counting: ObjectStore = {
      ...lake,
      list: (prefix, options) => {
        listed.push(prefix);
        return lake.list(prefix, options);
      },
    };
    await commit(0, metaData("t", "ds"), add("a", day));
    await readLandings(counting, table);
    listed.splice(0);
    await commit(1, add("b", day));
    expect((await readLandings(counting, table)).version).toBe(1);
    expect(listed).toEqual([]);
    rmSync(`${opened.root}/db`, { recursive: true });
    await writeCommit(lake, "db.db/t", { version: 0, body: [metaData("u", "ds"), add("c", day)] });
    expect(await readLandings(counting, table)).toMatchObject({ tableId: "u", version: 0 });
  });

  test("OPTIMIZE keeps the version, and what it made is live", async () => {
    await commit(0, metaData("t", "ds"), add("a", day), add("b", day));
    await commit(
      1,
      remove("a", day, { dataChange: false }),
      remove("b", day, { dataChange: false }),
      add("ab", day, { dataChange: false }),
    );
    expect(await landings()).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 0 }, rows: 20 },
    });
    await commit(2, remove("ab", day));
    expect(await landings()).toMatchObject({ "2025-09-30": { state: "gone", version: { n: 2 } } });
  });

  test("a day of several hours is gone when all of them are", async () => {
    const at = (hr: string) => ({ ...day, hr });
    await commit(0, metaData("t", "ds", "hr"), add("a", at("00:00")), add("b", at("01:00")));
    await commit(1, remove("a", at("00:00")));
    expect(await landings()).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 1 } },
    });
    expect(await landings("db.t/hr=00:00")).toMatchObject({
      "2025-09-30": { state: "gone", version: { n: 1 } },
    });
    await commit(2, remove("b", at("01:00")));
    expect(await landings()).toMatchObject({ "2025-09-30": { state: "gone", version: { n: 2 } } });
  });

  test("of a log that does not begin at 0 nothing is said to be gone", async () => {
    await commit(5, metaData("t", "ds"), add("a", day));
    await commit(6, remove("a", day));
    expect(await landings()).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 6 } },
    });
  });

  test("what cannot be read ends the reading, and is told", async () => {
    await commit(0, metaData("t", "ds"), add("a", day));
    await writeCommit(lake, "db/t", { version: 1, body: '{"add":' });
    await commit(2, add("b", { ds: "2025-10-01" }));
    expect(await readLandings(lake, table)).toMatchObject({
      version: 0,
      problem: "commit 1 of db/t is cut off or not JSON in line 1",
    });
    await commit(1, add("c", { ds: "2025-10-02" }));
    expect(await readLandings(lake, table)).toMatchObject({ version: 2, problem: null });
    expect(Object.keys(await landings()).sort()).toEqual([
      "2025-09-30",
      "2025-10-01",
      "2025-10-02",
    ]);
  });

  test("a table made anew has a new epoch, as the cursor counts them", async () => {
    await commit(0, metaData("t", "ds"), add("a", day));
    const cursor = {
      schema: 1,
      table: "db.t",
      tableId: "t",
      epoch: 4,
      contiguous: 0,
      partitionColumns: [],
    } as const;
    const read = async () =>
      readLandings(lake, table, { cursor: { ...cursor, partitionColumns: [] } });
    expect((await read()).landings.get("db.t")?.get("2025-09-30")?.version).toEqual({
      epoch: 4,
      n: 0,
    });
    rmSync(`${opened.root}/db`, { recursive: true });
    await commit(0, metaData("u", "ds"), add("a", day));
    expect((await read()).landings.get("db.t")?.get("2025-09-30")?.version).toEqual({
      epoch: 5,
      n: 0,
    });
    await commit(1, metaData("v", "ds"), add("b", day));
    expect((await read()).landings.get("db.t")?.get("2025-09-30")?.version).toEqual({
      epoch: 6,
      n: 1,
    });
  });

  test("a table is found where either rule says", async () => {
    await writeCommit(lake, "db.db/t", { version: 0, body: [metaData("t", "ds"), add("a", day)] });
    expect(await landings()).toMatchObject({ "2025-09-30": { state: "landed" } });
  });

  test("a log is handed over in order, until one is absent", async () => {
    for (const version of [0, 1, 2, 3, 4, 5, 6, 7, 9]) await commit(version, add("a", day));
    const seen: number[] = [];
    for await (const found of readLog(lake, "db/t", 2)) seen.push(found.version);
    expect(seen).toEqual([2, 3, 4, 5, 6, 7]);
  });
});
