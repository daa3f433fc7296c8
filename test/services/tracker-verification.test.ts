import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { PermanentError } from "../../ports/errors.ts";
import { Settings } from "../../schemas/settings.ts";
import { step } from "../support/plan.ts";
import { jobOf, type TrackerPlace, trackerPlace } from "../support/tracker-place.ts";

const features = step("features", [], { stepDays: 1 });
const day = (n: string) => `2025-09-${n}`;
const range = (start: string, end = start) => ({ start: day(start), end: day(end) });
const path = "out/features";

let at: TrackerPlace;

afterEach(() => at.close());

describe("what a job wrote is looked at, whatever the job says", () => {
  test("each partition of the range at its commit, with rows", async () => {
    at = await trackerPlace([features]);
    await at.land(path, day("01"));
    const runner = at.open();
    at.track(runner);
    const job = jobOf(features, range("02", "03"));
    await runner.submit(job);
    const [report] = await at.reports(1);
    expect(report).toMatchObject({
      task: "features/backfill@2025-09-02..2025-09-03",
      run: 1,
      attempt: 1,
      jobId: job.jobId,
      outcome: "succeeded",
      error: null,
    });
    const rows = (await at.commits(path)).flatMap(({ adds }) => adds.map((add) => add.rows));
    expect(report?.outputs).toMatchObject([
      {
        table: "out.features",
        partition: day("02"),
        landing: { state: "landed", version: { epoch: 0, n: 1 }, rows: rows[1], seenBy: "delta" },
      },
      {
        table: "out.features",
        partition: day("03"),
        landing: { state: "landed", version: { epoch: 0, n: 2 }, rows: rows[2] },
      },
    ]);
  });

  test("exit 0, nothing written: the partition is reported as not there", async () => {
    const faults = [{ step: features.id, does: "write-nothing" as const }];
    at = await trackerPlace([features], { faults });
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(features, range("02")));
    const [report] = await at.reports(1);
    expect(report?.outcome).toBe("succeeded");
    expect(report?.outputs).toEqual([
      { table: "out.features", partition: day("02"), landing: null },
    ]);
  });

  test.each(["fail", "write-half", "hang", "vanish"] as const)(
    "a range that did not succeed (%s) is reported with what it did write",
    async (does) => {
      const faults = [{ step: features.id, partition: day("02"), does }];
      at = await trackerPlace([features], { faults });
      await at.land(path, day("01"));
      const runner = at.open();
      at.track(runner);
      const timeoutMs = does === "hang" ? 50 : 60_000;
      await runner.submit(jobOf(features, range("01", "02"), { timeoutMs }));
      const [report] = await at.reports(1);
      const outcome = {
        fail: "failed",
        "write-half": "failed",
        hang: "timed-out",
        vanish: "vanished",
      };
      expect(report?.outcome).toBe(outcome[does]);
      expect(report?.blame).toBe(does === "vanish" ? "infrastructure" : "job");
      expect(report?.error).toMatch(/^\S[^\n]+$/);
      const versions = report?.outputs.map(({ landing }) => landing?.version.n ?? null);
      const expected = {
        fail: [1, null],
        "write-half": [1, 2],
        hang: [0, null],
        vanish: [0, null],
      };
      expect(versions).toEqual(expected[does]);
    },
  );

  test("a table made anew counts on from the watcher's epoch", async () => {
    at = await trackerPlace([features]);
    const cursor = {
      schema: 1 as const,
      table: "out.features",
      tableId: "a table that was there before",
      epoch: 4,
      contiguous: 17,
      partitionColumns: [],
    };
    await at.store.commit({
      writes: [{ id: "cursors/out.features", body: cursor, version: null }],
      checks: [],
    });
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(features, range("02")));
    const [report] = await at.reports(1);
    expect(report?.outputs[0]?.landing?.version).toEqual({ epoch: 5, n: 0 });
  });

  test("made anew while the tracker runs, it counts on as well", async () => {
    at = await trackerPlace([features]);
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(features, range("01")));
    const [first] = await at.reports(1);
    expect(first?.outputs[0]?.landing?.version).toEqual({ epoch: 0, n: 0 });
    const tableId = await at.tableId(path);
    const cursor = { schema: 1 as const, table: "out.features", tableId, epoch: 0, contiguous: 0 };
    await at.store.commit({
      writes: [
        { id: "cursors/out.features", body: { ...cursor, partitionColumns: [] }, version: null },
      ],
      checks: [],
    });
    rmSync(join(at.place, "lake", path), { recursive: true });
    await runner.submit(jobOf(features, range("01"), { attempt: 2 }));
    const [second] = await at.reports(1);
    expect(second?.outputs[0]?.landing?.version).toEqual({ epoch: 1, n: 0 });
  });

  test("an unpartitioned table: its newest commit, under the task's day", async () => {
    const upload = step("profile", [], {
      mode: "upload",
      effect: "rewrites-table",
      verification: "table",
    });
    at = await trackerPlace([upload]);
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(upload, range("01")));
    await at.reports(1);
    await runner.submit(jobOf(upload, range("02")));
    const [report] = await at.reports(1);
    expect(report?.outputs).toMatchObject([
      { table: "out.profile", partition: day("02"), landing: { version: { epoch: 0, n: 1 } } },
    ]);
  });
});

describe("uploads to the online store", () => {
  const toKv = step("risk.merchants.v1", [], {
    mode: "upload-to-kv",
    effect: "none",
    verification: "serving-info",
    output: "",
  });
  const inputs = [{ table: "out.merchants", range: range("02") }];

  async function report(asked: string, loaded: string | null) {
    at = await trackerPlace([toKv]);
    await at.land("out/merchants", day("02"), day("03"));
    const runner = at.open();
    at.track(runner);
    if (loaded !== null) {
      await runner.submit(jobOf(toKv, range(loaded), { inputs }));
      await at.reports(1);
    }
    await runner.submit(jobOf(toKv, range(asked), { inputs }));
    const [second] = await at.reports(1);
    return second?.outputs;
  }

  test("the day, at its cell's timestamp, under its KV dataset", async () => {
    expect(await report("02", null)).toMatchObject([
      {
        table: "RISK_MERCHANTS_V1_BATCH",
        partition: day("02"),
        landing: {
          state: "landed",
          version: { epoch: 0, n: Date.parse("2025-09-03T00:00:00Z") },
          seenBy: "job",
        },
      },
    ]);
  });

  test("a newer day stands for it, with the newer version", async () => {
    const outputs = await report("02", "03");
    expect(outputs?.[0]?.landing?.version.n).toBe(Date.parse("2025-09-04T00:00:00Z"));
    expect(outputs?.[0]?.partition).toBe(day("02"));
  });

  test("an older day does not, and neither does nothing", async () => {
    expect((await report("05", "02"))?.[0]?.landing).toBeNull();
    await at.close();
    expect((await report("05", null))?.[0]?.landing).toBeNull();
  });

  test("a row that contradicts itself is not there, and a line says why", async () => {
    at = await trackerPlace([toKv]);
    await at.keyValueStore.write("GROUPBY_BATCH", [
      {
        key: Buffer.from("RISK_MERCHANTS_V1_BATCH#group_by_serving_info"),
        value: Buffer.from('{"batchEndDate":"2025-09-02","dateFormat":"yyyy-MM-dd"}'),
        timestamp: Date.parse("2025-09-03T00:00:00Z"),
      },
    ]);
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(toKv, range("02")));
    const [seen] = await at.reports(1);
    expect(seen?.outputs[0]?.landing).toBeNull();
    expect(at.logged).toContainEqual({
      level: "warn",
      message:
        "serving info of risk.merchants.v1: the row ends at 2025-09-02, its cell says 2025-09-03",
      fields: { config: "risk.merchants.v1", partition: "2025-09-02" },
    });
  });

  const missing = new PermanentError("table GROUPBY_BATCH is not there: create it");

  /** A place whose online store has no table, as trackers see it; how often they looked. */
  async function withoutTable(
    does: "fail" | null,
    settings: Readonly<Record<string, unknown>> = {},
  ) {
    const faults = does === null ? [] : [{ step: toKv.id, does }];
    at = await trackerPlace([toKv], { faults });
    let looks = 0;
    const keyValueStore = {
      ...at.keyValueStore,
      async read() {
        looks += 1;
        throw missing;
      },
    };
    const runner = at.open();
    at.track(runner, { keyValueStore, settings: Settings.parse(settings) });
    await runner.submit(jobOf(toKv, range("02")));
    const [seen] = await at.reports(1);
    return { seen, looks };
  }

  test("a failed one is reported without a look: its table may be what is missing", async () => {
    const { seen, looks } = await withoutTable("fail");
    expect(seen).toMatchObject({ outcome: "failed", blame: "job", outputs: [] });
    expect(seen?.error).not.toContain("GROUPBY_BATCH");
    expect(looks).toBe(0);
  });

  test("one that succeeded, and whose table nobody made, has failed with that sentence", async () => {
    const { seen, looks } = await withoutTable(null);
    expect(seen).toMatchObject({
      outcome: "failed",
      blame: "infrastructure",
      error: `its job succeeded, and what it wrote cannot be read: ${missing.message}`,
      outputs: [],
    });
    expect(looks).toBe(1);
    expect(at.logged).toMatchObject([{ level: "error", fields: { reason: missing.message } }]);
  });

  test("one that is believed is not looked at", async () => {
    const { seen, looks } = await withoutTable(null, { servingInfo: "believe" });
    expect(seen).toMatchObject({ outcome: "succeeded", error: null, outputs: [] });
    expect(looks).toBe(0);
  });
});

test("a table that may not be read is waited for: what a failed job left in it decides on the next", async () => {
  const faults = [{ step: features.id, does: "fail" as const }];
  at = await trackerPlace([features], { faults });
  const { lake, logged } = at;
  const runner = at.open();
  let granted = false;
  const refused = <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (granted) return call(...args);
      throw new PermanentError("the lake may not be read: grant roles/storage.objectViewer");
    };
  };
  const read = refused((name: string) => lake.read(name));
  const list = refused((...asked: Parameters<typeof lake.list>) => lake.list(...asked));
  at.track(runner, { lake: { ...lake, read, list } });
  await runner.submit(jobOf(features, range("02")));
  await expect.poll(() => logged.length, { timeout: 15_000 }).toBeGreaterThan(1);
  expect(logged[0]?.fields).toMatchObject({ reason: expect.stringContaining("grant roles/") });
  granted = true;
  const [report] = await at.reports(1);
  expect(report).toMatchObject({ outcome: "failed", blame: "job" });
  expect(report?.error).not.toContain("lake");
});
