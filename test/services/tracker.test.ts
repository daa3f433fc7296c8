import { map, NEVER } from "rxjs";
import { afterEach, describe, expect, test } from "vitest";
import { scaledClock, systemClock } from "../../adapters/embedded/clock.ts";
import { traceOf } from "../../core/trace.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { tracker } from "../../services/tracker/pipeline.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { task } from "../support/documents.ts";
import { step } from "../support/plan.ts";
import { jobOf, type TrackerPlace, trackerPlace } from "../support/tracker-place.ts";

const features = step("features", [], { stepDays: 1 });
const day = (n: string) => `2025-09-${n}`;
const range = (start: string, end = start) => ({ start: day(start), end: day(end) });
const path = "out/features";

let at: TrackerPlace;

afterEach(() => at.close());

describe("T1: reported at least once, forgotten only then", () => {
  test("a publish that fails is made again, and the job is not forgotten before", async () => {
    at = await trackerPlace([features]);
    const forgotten: string[] = [];
    const runner = at.open();
    let failures = 0;
    const bus: typeof at.bus = {
      ...at.bus,
      async publish(events) {
        expect(forgotten).toEqual([]);
        failures += 1;
        if (failures <= 2) throw new RetryableError("the bus is away");
        await at.bus.publish(events);
      },
    };
    const watched = {
      ...runner,
      async forget(jobIds: readonly string[]) {
        forgotten.push(...jobIds);
        await runner.forget(jobIds);
      },
    };
    const one = at.track(watched, { bus });
    const job = jobOf(features, range("01"));
    await runner.submit(job);
    expect((await at.reports(1))[0]?.jobId).toBe(job.jobId);
    await one.stop();
    expect(failures).toBe(3);
    expect(forgotten).toEqual([job.jobId]);
    const left: JobStatus[] = [];
    at.open()
      .statuses()
      .subscribe((status) => left.push(status));
    expect(left).toEqual([]);
  });

  test("stopped before it could publish, the next tracker reports", async () => {
    at = await trackerPlace([features]);
    const runner = at.open();
    const refused: typeof at.bus = {
      ...at.bus,
      publish: () => Promise.reject(new RetryableError("the bus is away")),
    };
    const first = at.track(runner, { bus: refused });
    const job = jobOf(features, range("01"));
    await runner.submit(job);
    await endOf(runner.statuses(), job.jobId);
    await first.stop();
    at.track(at.open());
    expect((await at.reports(1))[0]?.jobId).toBe(job.jobId);
  });

  test("a report that nobody heard is made again, and the job is forgotten only when its task knows", async () => {
    at = await trackerPlace([features]);
    const job = jobOf(features, range("01"));
    const live = { run: 1, attempt: 1, jobId: job.jobId, timeoutAt: Number.MAX_SAFE_INTEGER };
    const known = task(job.task, { state: { kind: "running", ...live } });
    const put = async (body: Task) => {
      const id = `tasks/${job.task}` as const;
      const version = (await at.store.read([id])).get(id)?.version ?? null;
      const answer = await at.store.commit({ writes: [{ id, body, version }], checks: [] });
      expect(answer.kind).toBe("committed");
    };
    await put(known);
    const runner = at.open();
    const forgotten: string[] = [];
    const watched = {
      ...runner,
      async forget(jobIds: readonly string[]) {
        forgotten.push(...jobIds);
        await runner.forget(jobIds);
      },
    };
    at.track(watched, { clock: scaledClock({ start: Date.now(), speed: 300 }) });
    await runner.submit(job);
    const [first, second] = await at.reports(2);
    expect(second).toEqual(first);
    expect(forgotten).toEqual([]);
    const words = `${job.task} has not heard that its job ended; it is reported again`;
    expect(at.logged[0]).toMatchObject({ level: "warn", message: words });
    await put({ ...known, state: { kind: "succeeded", run: 1, at: 1, remark: null } });
    await expect.poll(() => forgotten).toEqual([job.jobId]);
  });

  test("left because another service failed, it tries no more", async () => {
    at = await trackerPlace([features]);
    const runner = at.open();
    const { bus, lake, store, configs, keyValueStore } = at;
    const settings = Settings.parse({});
    let tries = 0;
    const away: typeof bus = {
      ...bus,
      publish() {
        tries += 1;
        return Promise.reject(new RetryableError("the bus is away"));
      },
    };
    const clock = scaledClock({ start: Date.now(), speed: 300 });
    const ports = { bus: away, lake, store, configs, keyValueStore, runner, clock, settings };
    const leaving = tracker({ ...ports, log: silentLog }, NEVER).subscribe();
    await runner.submit(jobOf(features, range("01")));
    await expect.poll(() => tries).toBeGreaterThan(1);
    leaving.unsubscribe();
    await clock.sleep(100);
    const before = tries;
    await clock.sleep(60_000);
    expect(tries).toBe(before);
  });

  test("two trackers report the same, and statuses may repeat", async () => {
    at = await trackerPlace([features]);
    const [one, two] = [at.open(), at.open()];
    const [first, second] = [at.track(one), at.track(two)];
    const jobs = ["01", "02", "03"].map((n) => jobOf(features, range(n)));
    for (const job of jobs) await one.submit(job);
    const seen = new Map<string, unknown>();
    while (seen.size < 3) {
      for (const report of await at.reports(1)) {
        expect(seen.get(report.jobId) ?? report).toEqual(report);
        seen.set(report.jobId, report);
      }
    }
    await first.stop();
    await second.stop();
    expect([...seen.keys()].sort()).toEqual(jobs.map(({ jobId }) => jobId).sort());
  });
});

describe("T2: what cannot be read is not reported as missing", () => {
  test("a lake that does not answer is asked again", async () => {
    at = await trackerPlace([features]);
    const runner = at.open();
    let asked = 0;
    const lake: typeof at.lake = {
      ...at.lake,
      read(name) {
        asked += 1;
        return asked <= 3
          ? Promise.reject(new RetryableError("the lake is away"))
          : at.lake.read(name);
      },
    };
    at.track(runner, { lake });
    await runner.submit(jobOf(features, range("01")));
    expect((await at.reports(1))[0]?.outputs[0]?.landing?.state).toBe("landed");
    expect(asked).toBeGreaterThan(3);
    expect(at.logged[0]).toMatchObject({ level: "warn" });
  });

  test("a commit that is not whole yet is waited for", async () => {
    at = await trackerPlace([features]);
    const runner = at.open();
    const job = jobOf(features, range("01"));
    await runner.submit(job);
    await endOf(runner.statuses(), job.jobId);
    const broken = `${path}/_delta_log/00000000000000000001.json`;
    const add = `{"add":{"path":"p","partitionValues":{"ds":"2025-09-01"},"size":1,"modificationTime":1,"dataChange":true}}`;
    await at.lake.write(broken, Buffer.from(add.slice(0, 60)));
    at.track(runner);
    const reported = at.reports(1);
    while (at.logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(at.logged[0]?.message).toBe(`${job.task} cannot be reported yet`);
    await at.lake.write(broken, Buffer.from(`${add}\n`));
    expect((await reported)[0]?.outputs[0]?.landing?.version.n).toBe(1);
  });

  test("without a plan nothing is reported until there is one", async () => {
    at = await trackerPlace([]);
    const runner = at.open();
    at.track(runner);
    await runner.submit(jobOf(features, range("01")));
    while (at.logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await at.release(features);
    expect((await at.reports(1))[0]?.outputs[0]?.landing?.state).toBe("landed");
  });
});

test("a step new to the plan is found at once; a retired one is reported without outputs", async () => {
  at = await trackerPlace([features]);
  const runner = at.open();
  at.track(runner);
  await runner.submit(jobOf(features, range("01")));
  await at.reports(1);
  const added = step("added", []);
  await at.release(added);
  await runner.submit(jobOf(added, range("01")));
  expect((await at.reports(1))[0]?.outputs).toHaveLength(1);
  await runner.submit(jobOf(features, range("02")));
  expect((await at.reports(1))[0]).toMatchObject({ outcome: "succeeded", outputs: [] });
});

test("what a job used is reported as its runner told it, and left out where it told nothing", async () => {
  at = await trackerPlace([features]);
  const runner = at.open();
  const usage = { milliDcuSeconds: 4_000, shuffleStorageGbSeconds: 7 };
  const [counted, uncounted] = [jobOf(features, range("01")), jobOf(features, range("02"))];
  const counting = {
    ...runner,
    statuses: () =>
      runner
        .statuses()
        .pipe(map((status) => (status.jobId === counted.jobId ? { ...status, usage } : status))),
  };
  at.track(counting);
  for (const job of [counted, uncounted]) await runner.submit(job);
  const reports = new Map((await at.reports(2)).map((report) => [report.jobId, report]));
  expect(reports.get(counted.jobId)?.usage).toEqual(usage);
  expect(reports.get(uncounted.jobId)).not.toHaveProperty("usage");
});

test("a report is in the trace that its job was submitted in, else in one of the job's own", async () => {
  at = await trackerPlace([features]);
  const runner = at.open();
  const [linked, alone] = [jobOf(features, range("01")), jobOf(features, range("02"))];
  const keeping = {
    ...runner,
    statuses: () =>
      runner
        .statuses()
        .pipe(
          map((status) =>
            status.jobId === linked.jobId ? { ...status, trace: traceOf("landing") } : status,
          ),
        ),
  };
  const traces = new Map<string, string | undefined>();
  let refusals = 1;
  const bus: typeof at.bus = {
    ...at.bus,
    async publish(events, trace) {
      if (refusals-- > 0) throw new RetryableError("the bus is away");
      for (const event of events) {
        if (event.kind === "job-settled") traces.set(event.jobId, trace);
      }
      await at.bus.publish(events);
    },
  };
  at.track(keeping, { bus });
  for (const job of [linked, alone]) {
    await runner.submit(job);
    await at.reports(1);
  }
  expect(traces.get(linked.jobId)).toBe(traceOf("landing"));
  expect(traces.get(alone.jobId)).toBe(traceOf(alone.jobId));
  expect(at.logged[0]).toMatchObject({ fields: { traceparent: traceOf("landing") } });
});

test("a hundred jobs of one table, within a second, read its cursor and the plan once", async () => {
  at = await trackerPlace([features]);
  const runner = at.open();
  at.track(runner, { clock: { ...systemClock(), now: () => 0 } });
  const before = at.store.counters().documentsRead;
  const jobs = Array.from({ length: 100 }, (_, n) =>
    jobOf(features, range(String((n % 28) + 1).padStart(2, "0"))),
  );
  const submitted = jobs.map((job) => runner.submit(job));
  expect(new Set((await at.reports(100)).map(({ jobId }) => jobId)).size).toBe(100);
  await Promise.all(submitted);
  expect(at.store.counters().documentsRead - before).toBe(2);
});
