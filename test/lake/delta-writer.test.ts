import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { dataFile } from "../../lake/data-file.ts";
import { readLandings } from "../../lake/delta-reader.ts";
import { commitDelta, type DeltaWrite } from "../../lake/delta-writer.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { actions, lakeTableOf, planTable, temporaryLake, writeCommit } from "../support/lake.ts";

const target = { path: "db/t", partitionColumn: "ds" };
const table = lakeTableOf(planTable("db.t"));
const write = (more: Partial<DeltaWrite> = {}): DeltaWrite => ({
  partitions: [{ partition: "2025-09-30", rows: 5, bytes: 50 }],
  mode: "append",
  operation: "WRITE",
  engineInfo: "test",
  at: 1_000,
  ...more,
});

describe("writing Delta commits", () => {
  let opened: ReturnType<typeof temporaryLake>;
  let lake: ObjectStore;
  beforeEach(() => {
    opened = temporaryLake();
    lake = opened.lake;
  });
  afterEach(() => opened.remove());

  const logOf = async (version: number) => {
    const object = await lake.read(`db/t/_delta_log/${String(version).padStart(20, "0")}.json`);
    return Buffer.from(object?.bytes ?? [])
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };
  const landing = async (partition: string) =>
    (await readLandings(lake, table)).landings.get("db.t")?.get(partition);

  test("the first commit makes the table, later ones add to it", async () => {
    expect(await commitDelta(lake, target, write())).toEqual({ version: 0, alreadyDone: false });
    expect(await commitDelta(lake, target, write({ at: 2_000 }))).toMatchObject({ version: 1 });
    const [info, protocol, metaData, add] = await logOf(0);
    expect(info).toEqual({
      commitInfo: { timestamp: 1_000, operation: "WRITE", engineInfo: "test", isBlindAppend: true },
    });
    expect(protocol).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } });
    expect(metaData.metaData).toMatchObject({ partitionColumns: ["ds"], createdTime: 1_000 });
    expect(add.add).toMatchObject({
      partitionValues: { ds: "2025-09-30" },
      size: 50,
      modificationTime: 1_000,
      dataChange: true,
      stats: '{"numRecords":5}',
    });
    expect((await logOf(1)).map((action) => Object.keys(action)[0])).toEqual(["commitInfo", "add"]);
    expect(await landing("2025-09-30")).toEqual({
      state: "landed",
      version: { epoch: 0, n: 1 },
      rows: 5,
      bytes: 50,
      at: 2_000,
      seenBy: "delta",
    });
  });

  test("overwriting takes away the partition's live files, and no others", async () => {
    await commitDelta(lake, target, write());
    await commitDelta(lake, target, write({ partitions: [{ partition: "2025-10-01", rows: 1 }] }));
    await commitDelta(lake, target, write());
    await commitDelta(lake, target, write({ mode: "overwrite-partitions" }));
    const first = (await logOf(0)).at(-1).add.path;
    const third = (await logOf(2)).at(-1).add.path;
    const removes = (await logOf(3)).flatMap((action) => (action.remove ? [action.remove] : []));
    expect(removes.map(({ path }) => path)).toEqual([first, third]);
    expect(removes[0]).toMatchObject({ dataChange: true, partitionValues: { ds: "2025-09-30" } });
  });

  test("the same transaction again is the commit it was, also for another process", async () => {
    const txn = { appId: "job-1", version: 0 };
    await commitDelta(lake, target, write({ txn }));
    await commitDelta(lake, target, write({ txn: { appId: "job-1", version: 1 } }));
    expect(await commitDelta(lake, target, write({ txn }))).toEqual({
      version: 0,
      alreadyDone: true,
    });
    const other = directoryObjectStore({ root: opened.root });
    expect(await commitDelta(other, target, write({ txn }))).toEqual({
      version: 0,
      alreadyDone: true,
    });
    expect(
      await commitDelta(other, target, write({ txn: { appId: "job-2", version: 0 } })),
    ).toEqual({
      version: 2,
      alreadyDone: false,
    });
  });

  test("racing writers get a version each, and one transaction of them is written once", async () => {
    const others = Array.from({ length: 4 }, () => directoryObjectStore({ root: opened.root }));
    const committed = await Promise.all(
      [lake, ...others].flatMap((store, at) => [
        commitDelta(store, target, write()),
        commitDelta(store, target, write({ txn: { appId: `job-${at}`, version: 0 } })),
        commitDelta(store, target, write({ txn: { appId: "shared", version: 0 } })),
      ]),
    );
    const shared = committed.filter((_, at) => at % 3 === 2);
    expect(shared.filter(({ alreadyDone }) => !alreadyDone)).toHaveLength(1);
    expect(new Set(shared.map(({ version }) => version)).size).toBe(1);
    const fresh = committed.filter(({ alreadyDone }) => !alreadyDone).map(({ version }) => version);
    expect(fresh.sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, at) => at));
    expect((await readLandings(lake, table)).version).toBe(10);
  });

  test("a sub-partition has both values, spelled as the table spells them", async () => {
    const packed = {
      path: "db/t",
      partitionColumn: "ds",
      partitionFormat: "yyyyMMdd",
      fixed: { hr: "00:00" },
    } as const;
    await commitDelta(lake, packed, write({ dataFile }));
    const add = (await logOf(0)).at(-1).add;
    expect(add.partitionValues).toEqual({ ds: "20250930", hr: "00:00" });
    const name = `db/t/${decodeURIComponent(add.path)}`;
    expect(name).toContain("db/t/ds=20250930/hr=00%3A00/part-");
    expect((await lake.read(name))?.size).toBe(add.size);
  });

  test("an unpartitioned table is replaced whole", async () => {
    const whole = { path: "db/t", partitionColumn: null };
    await commitDelta(lake, whole, write());
    await commitDelta(lake, whole, write({ mode: "overwrite-partitions" }));
    const removed = (await logOf(1)).filter((action) => action.remove);
    expect(removed).toHaveLength(1);
    const seen = await readLandings(lake, table);
    expect(seen.landings.size).toBe(0);
    expect(seen.table).toMatchObject({ state: "landed", version: { n: 1 }, rows: 5 });
  });

  test("other partition columns are refused by name", async () => {
    await commitDelta(lake, target, write());
    const other = { path: "db/t", partitionColumn: "dt" };
    await expect(commitDelta(lake, other, write())).rejects.toThrow(
      new PermanentError("db/t is partitioned by ds, not by dt"),
    );
    await expect(commitDelta(lake, { ...target, fixed: { hr: "1" } }, write())).rejects.toThrow(
      "db/t is partitioned by ds, not by ds, hr",
    );
  });

  test("a mapped column is written under its physical name", async () => {
    const schemaString = JSON.stringify({
      type: "struct",
      fields: [
        { name: "ds", type: "string", metadata: { "delta.columnMapping.physicalName": "col-1" } },
      ],
    });
    const metaData = { id: "t", schemaString, partitionColumns: ["ds"] };
    await writeCommit(lake, "db/t", { version: 0, body: [{ metaData }] });
    await commitDelta(lake, target, write());
    expect((await logOf(1)).at(-1).add.partitionValues).toEqual({ "col-1": "2025-09-30" });
    expect(await landing("2025-09-30")).toMatchObject({ version: { n: 1 } });
  });

  test("a table that asks more of its writers is refused, a half-written log is waited for", async () => {
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["deletionVectors"],
    };
    await writeCommit(lake, "db/t", {
      version: 0,
      body: [{ protocol }, actions.metaData("t", "ds")],
    });
    await expect(commitDelta(lake, target, write())).rejects.toThrow(PermanentError);
    await writeCommit(lake, "db/half", { version: 0, body: '{"commitInfo":{' });
    await expect(commitDelta(lake, { ...target, path: "db/half" }, write())).rejects.toThrow(
      new RetryableError(
        "commit 0 of db/half is cut off or not JSON in line 1; nothing can be written after it",
      ),
    );
  });

  test("a log removed and begun again under our feet is written from 0", async () => {
    for (let n = 0; n < 3; n += 1) await commitDelta(lake, target, write());
    rmSync(`${opened.root}/db`, { recursive: true });
    expect(await commitDelta(lake, target, write())).toEqual({ version: 0, alreadyDone: false });
  });
});
