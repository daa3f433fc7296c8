import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { filter, firstValueFrom, timeout, toArray } from "rxjs";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { traceOf } from "../../core/trace.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { endOf, running } from "../contract/job-runner.contract.ts";
import type { PlaceOptions, Work } from "../support/dataproc/place.ts";
import { type DataprocPlace, dataprocPlace } from "../support/dataproc-place.ts";

const places: DataprocPlace[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});
async function placed(options: PlaceOptions = {}): Promise<DataprocPlace> {
  const place = await dataprocPlace(options);
  places.push(place);
  return place;
}

const hanging: Work = async (_, signal) => {
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  return { ok: true };
};

describe("watching Dataproc", () => {
  test("a job that somebody deleted has vanished, once it is missing long enough", async () => {
    const at = await placed({ work: hanging });
    const runner = at.open();
    const job = at.job();
    await runner.submit(job);
    await running(runner.statuses(), job.jobId);
    at.server.remove(job.jobId);
    expect(await endOf(runner.statuses(), job.jobId)).toMatchObject({
      state: "vanished",
      blame: "infrastructure",
      error: expect.stringContaining("somebody deleted it"),
      task: job.task,
    });
    expect(await runner.cancel(job.jobId)).toBe("unknown");
  });

  test("a cluster that goes takes its jobs with it, and that is not their fault", async () => {
    const at = await placed({ work: hanging });
    const job = at.job();
    const runner = at.open();
    await runner.submit(job);
    await running(runner.statuses(), job.jobId);
    at.server.deleteCluster("chronon-risk");
    const end = await endOf(runner.statuses(), job.jobId);
    expect(end).toMatchObject({ state: "failed", blame: "infrastructure" });
  });

  test("a full cluster's jobs wait, and run when there is room", async () => {
    const at = await placed({ driversMax: 1, work: hanging });
    const runner = at.open();
    const [first, second] = [at.job(), at.job()];
    await runner.submit(first);
    await running(runner.statuses(), first.jobId);
    await runner.submit(second);
    const waits = runner.statuses().pipe(filter(({ jobId }) => jobId === second.jobId));
    expect((await firstValueFrom(waits.pipe(timeout(5_000)))).state).toBe("pending");
    at.server.end(first.jobId, { ok: true });
    await running(runner.statuses(), second.jobId);
    at.server.end(second.jobId, { ok: true });
    expect((await endOf(runner.statuses(), second.jobId)).state).toBe("succeeded");
  });

  test("Dataproc is asked by look, never by job", async () => {
    const at = await placed();
    const runner = at.open({ activeLookMs: 100 });
    const jobs = Array.from({ length: 200 }, () => at.job());
    const ends = jobs.map(({ jobId }) => endOf(runner.statuses(), jobId));
    const began = performance.now();
    await Promise.all(jobs.map((job) => runner.submit(job)));
    await Promise.all(ends);
    const looks = (performance.now() - began) / 100 + jobs.length / 100 + 3;
    expect(at.server.calls("ListJobs")).toBeLessThan(6 * looks);
    expect(at.server.calls("GetJob")).toBe(0);
    expect(at.server.calls("ListBatches")).toBe(0);
  });

  test("asked to look, it tells an end at once, however long its looks are apart", async () => {
    const at = await placed({ work: hanging });
    const runner = at.open({ activeLookMs: 3_600_000, idleLookMs: 3_600_000 });
    const job = at.job();
    await runner.submit(job);
    const ended = endOf(runner.statuses(), job.jobId);
    await new Promise((resolve) => setTimeout(resolve, 200));
    at.server.end(job.jobId, { ok: true });
    await runner.look();
    expect((await ended).state).toBe("succeeded");
  });

  test("an end too old to be listed is told when its job is cancelled", async () => {
    const at = await placed();
    const clock = systemClock();
    const longAgo = { ...clock, now: () => clock.now() - 10 * 86_400_000 };
    const job = at.job();
    await at.open({}, { clock: longAgo }).submit(job);
    while (at.server.job(job.jobId)?.status?.state !== "DONE") await clock.sleep(5);
    const tracker = at.open();
    const seen: string[] = [];
    tracker.statuses().subscribe(({ jobId }) => seen.push(jobId));
    await tracker.look();
    expect(seen).toEqual([]);
    expect(await at.open().cancel(job.jobId)).toBe("asked");
    expect((await endOf(tracker.statuses(), job.jobId)).state).toBe("succeeded");
    expect(await at.open().submit(job)).toEqual({ kind: "exists" });
  });

  test("another deployment's jobs are not told", async () => {
    const at = await placed();
    const [ours, theirs] = [at.open(), at.open({}, { deployment: "landfall-2" })];
    const [job, other] = [at.job(), at.job()];
    const seen: string[] = [];
    theirs.statuses().subscribe(({ jobId }) => seen.push(jobId));
    await ours.submit(job);
    await theirs.submit(other);
    await endOf(ours.statuses(), job.jobId);
    await endOf(theirs.statuses(), other.jobId);
    expect(new Set(seen)).toEqual(new Set([other.jobId]));
  });

  test("lists that are denied stop nothing: it says so, and goes on when it may", async () => {
    const at = await placed();
    const warned: string[] = [];
    const log = {
      info() {},
      warn: (_: object, message: string) => warned.push(message),
      error() {},
    };
    const runner = at.open({}, { log });
    at.server.trouble({ method: "ListJobs", kind: "denied", times: 3 });
    const job = at.job();
    const end = endOf(runner.statuses(), job.jobId);
    await runner.submit(job);
    expect((await end).state).toBe("succeeded");
    expect(warned).toContain("Dataproc cannot list the jobs in us-central1; trying again");
  });

  test("what was forgotten stays so across restarts, without a call to Dataproc", async () => {
    const at = await placed();
    const runner = at.open();
    const jobs = Array.from({ length: 20 }, () => at.job());
    const ends = jobs.map(({ jobId }) => endOf(runner.statuses(), jobId));
    for (const job of jobs) await runner.submit(job);
    await Promise.all(ends);
    const operations = at.server.calls("UpdateJob") + at.server.calls("DeleteJob");
    await Promise.all(jobs.slice(1).map(({ jobId }) => runner.forget([jobId])));
    expect(at.server.calls("UpdateJob") + at.server.calls("DeleteJob")).toBe(operations);
    await runner.close();
    const next = at.open();
    const told = firstValueFrom(next.statuses().pipe(toArray()));
    await next.look();
    await next.close();
    expect((await told).map(({ jobId }) => jobId)).toEqual([jobs[0]?.jobId]);
  });

  test("what could not be remembered is forgotten when it is tried again", async () => {
    const at = await placed();
    const store = simulatedObjectStore({ clock: systemClock() }).open();
    let failing = true;
    const memory: ObjectStore = {
      ...store,
      async write(...args) {
        if (failing) throw new RetryableError("the bucket does not answer");
        return store.write(...args);
      },
    };
    const runner = at.open({}, { memory });
    const job = at.job();
    const end = endOf(runner.statuses(), job.jobId);
    await runner.submit(job);
    await end;
    await expect(runner.forget([job.jobId])).rejects.toThrow(RetryableError);
    failing = false;
    await runner.forget([job.jobId]);
    await runner.close();
    const next = at.open({}, { memory });
    const told = firstValueFrom(next.statuses().pipe(toArray()));
    await next.look();
    await next.close();
    expect(await told).toEqual([]);
  });

  test("why a job failed is told in its driver's last words, where they can be read", async () => {
    const at = await placed({ work: async () => ({ ok: false, details: "job failure" }) });
    const staging = simulatedObjectStore({ clock: systemClock() }).open();
    const runner = at.open({}, { buckets: () => staging });
    const [job, silent] = [at.job(), at.job()];
    const output = `chronon-risk/jobs/${job.jobId}/driveroutput.000000000`;
    const lines = [
      "26/03/02 INFO SparkContext: Running",
      'Exception in thread "main" java.lang.IllegalArgumentException: no such column: amount',
      "\tat ai.chronon.spark.Driver.main(Driver.scala:1)",
      "\t... 12 more",
    ];
    await staging.write(output, Buffer.from(lines.join("\n")));
    const ends = [job, silent].map(({ jobId }) => endOf(runner.statuses(), jobId));
    for (const each of [job, silent]) await runner.submit(each);
    const [told, untold] = await Promise.all(ends);
    expect(told).toMatchObject({
      error:
        'Exception in thread "main" java.lang.IllegalArgumentException: no such column: amount',
      log: `gs://dataproc-staging/chronon-risk/jobs/${job.jobId}/driveroutput`,
    });
    expect(untold?.error).toBe("job failure");
  });

  test("a job whose driver says that a node was lost is tried again as the ground's failure", async () => {
    const at = await placed({ work: async () => ({ ok: false, details: "job failure" }) });
    const staging = simulatedObjectStore({ clock: systemClock() }).open();
    const runner = at.open({}, { buckets: () => staging });
    const job = at.job();
    const lines = [
      'Exception in thread "main" org.apache.spark.SparkException: Job aborted due to stage failure: ExecutorLostFailure',
      "Exit status: -100. Diagnostics: Container released on a *lost* node.",
    ];
    const output = `chronon-risk/jobs/${job.jobId}/driveroutput.000000000`;
    await staging.write(output, Buffer.from(lines.join("\n")));
    const end = endOf(runner.statuses(), job.jobId);
    await runner.submit(job);
    expect(await end).toMatchObject({
      blame: "infrastructure",
      error: `${lines.join(" ")} (not the job's fault: a node was lost)`,
    });
  });

  test.each(["cluster", "serverless"])(
    "on a %s a job keeps the trace it was submitted in",
    async (on) => {
      const at = await placed();
      const runner = at.open(
        on === "serverless" ? { profiles: { backfill: { place: { on: "serverless" } } } } : {},
      );
      const more = on === "serverless" ? { execution: { properties: {} } } : {};
      const trace = traceOf("a landing");
      const [traced, plain] = [at.job({ ...more, trace }), at.job(more)];
      const ends = [traced, plain].map(({ jobId }) => endOf(runner.statuses(), jobId));
      for (const job of [traced, plain]) await runner.submit(job);
      const [one, other] = await Promise.all(ends);
      expect(one?.trace).toBe(trace);
      expect(other).not.toHaveProperty("trace");
      expect(await runner.submit({ ...traced, trace: traceOf("another") })).toEqual({
        kind: "exists",
      });
    },
  );

  test("what YARN counts of a job on a cluster is kept", async () => {
    const at = await placed();
    const runner = at.open({});
    const job = at.job({});
    const end = endOf(runner.statuses(), job.jobId);
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
    expect((await end).usage).toEqual({ vcoreSeconds: 90, memoryMbSeconds: 368_640 });
  });

  test("usage that Dataproc Serverless counts is kept", async () => {
    const at = await placed();
    const runner = at.open({ profiles: { backfill: { place: { on: "serverless" } } } });
    const job = at.job({ execution: { properties: {} } });
    const end = endOf(runner.statuses(), job.jobId);
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
    expect((await end).usage).toEqual({ milliDcuSeconds: 4_000, shuffleStorageGbSeconds: 7 });
    expect((await end).log).toContain(job.jobId);
  });
});

describe("our Dataproc in a process of its own", () => {
  let child: ChildProcess | null = null;
  afterEach(() => child?.kill());

  test("runs jobs and says where it listens", async () => {
    const main = new URL("../support/dataproc/main.ts", import.meta.url).pathname;
    child = spawn(process.execPath, ["--import", "tsx", main, '{"stepMs":1}'], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
    const { port } = JSON.parse(line.toString()) as { port: number };
    const at = await placed();
    const { credentials } = await import("@grpc/grpc-js");
    const connection = {
      apiEndpoint: "127.0.0.1",
      port,
      universeDomain: "googleapis.com",
      sslCreds: credentials.createInsecure(),
    };
    const runner = at.open({}, { connection });
    const job = at.job();
    await runner.submit(job);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
    expect(at.server.calls("SubmitJob")).toBe(0);
  });
});
