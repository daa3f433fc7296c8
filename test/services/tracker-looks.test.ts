import { NEVER, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ObjectNotification } from "../../ports/object-store.ts";
import type { PlaceOptions } from "../support/dataproc/place.ts";
import { type DataprocPlace, dataprocPlace } from "../support/dataproc-place.ts";
import { input, step } from "../support/plan.ts";
import { jobOf, type TrackerPlace, trackerPlace } from "../support/tracker-place.ts";

const features = step("features", [input("db.source")], { stepDays: 1 });
let at: TrackerPlace;
afterEach(() => at.close());

describe("a look when something was written", () => {
  const written = new Subject<ObjectNotification>();
  const looks: number[] = [];
  let begun = 0;
  const passed = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    return looks.map((when) => when - begun);
  };
  const write = (name: string) =>
    written.next({ name, size: 1, generation: 1, updatedAt: Date.now() });
  const commit = (version = 7) =>
    write(`db/t/_delta_log/${String(version).padStart(20, "0")}.json`);

  beforeEach(async () => {
    at = await trackerPlace([features]);
    vi.useFakeTimers();
    begun = Date.now();
    looks.splice(0);
    const runner = {
      ...at.open(),
      statuses: () => NEVER,
      look: async () => void looks.push(Date.now()),
    };
    at.track(runner, { written });
  });
  afterEach(() => void vi.useRealTimers());

  test("a commit is looked at at once, and once more when all is quiet", async () => {
    commit();
    expect(await passed(0)).toEqual([0]);
    expect(await passed(1_999)).toEqual([0]);
    expect(await passed(60_000)).toEqual([0, 2_000]);
  });

  test("a thousand commits are one look a second, and the last is never left out", async () => {
    for (let version = 0; version < 1_000; version += 1) {
      commit(version);
      await passed(5);
    }
    const during = await passed(0);
    expect(during.length).toBeLessThanOrEqual(6);
    expect(during.length).toBeGreaterThanOrEqual(5);
    const after = await passed(60_000);
    expect(after.at(-1)).toBeGreaterThanOrEqual(5_000 + 1_990);
    expect(after.length).toBeLessThanOrEqual(8);
    for (const [nth, when] of after.entries()) {
      if (nth > 0) expect(when - (after[nth - 1] ?? 0)).toBeGreaterThanOrEqual(1_000);
    }
  });

  test("a table that the plan only reads is looked at while the plan is not known, and never after", async () => {
    const land = (path: string) => write(`${path}/_delta_log/00000000000000000007.json`);
    land("db/source");
    expect(await passed(0)).toEqual([0]);
    land("db.db/source");
    land("db/source");
    expect(await passed(60_000)).toEqual([0, 2_000]);
    land("out/features");
    expect(await passed(0)).toEqual([0, 2_000, 60_000]);
  });

  test.each([
    "db/t/ds=2025-09-01/part-0.parquet",
    "db/t/ds=2025-09-01/_SUCCESS",
    "db/t/_delta_log/00000000000000000010.checkpoint.parquet",
    "db/t/_delta_log/_last_checkpoint",
    "db/t/notes.json",
  ])("nothing is looked at for %s", async (name) => {
    write(name);
    expect(await passed(60_000)).toEqual([]);
  });
});

describe("on Dataproc, whose lists are looked at once in ten minutes", () => {
  let dataproc: DataprocPlace;
  afterEach(() => dataproc.close());

  test("a job is reported as soon as its commit lands", async () => {
    at = await trackerPlace([features]);
    const spec = jobOf(features, { start: "2025-09-01", end: "2025-09-01" });
    const work: PlaceOptions["work"] = async () => {
      await at.land("out/features", "2025-09-01");
      return { ok: true };
    };
    dataproc = await dataprocPlace({ work });
    const runner = dataproc.open({ activeLookMs: 600_000, idleLookMs: 600_000 });
    at.track(runner, { written: at.lake.notifications() });
    const { env, execution, conf } = dataproc.job();
    const job = { ...spec, env, execution, conf, jobId: "landfall-1" };
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
    const [report] = await at.reports(1);
    expect(report).toMatchObject({ jobId: job.jobId, outcome: "succeeded" });
    expect(report?.outputs[0]?.landing?.state).toBe("landed");
  });
});
