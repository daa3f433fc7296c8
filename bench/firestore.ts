import { join } from "node:path";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { sqliteBus } from "../adapters/embedded/bus.ts";
import { systemClock } from "../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { firestoreTaskStore } from "../adapters/gcp/task-store.ts";
import type { Bus } from "../ports/bus.ts";
import type { JobRunner, JobSpec } from "../ports/job-runner.ts";
import { type Log, silentLog } from "../ports/log.ts";
import type { StoreCounters } from "../ports/task-store.ts";
import { writeRelease } from "../releases/release.ts";
import type { LandfallEvent } from "../schemas/events.ts";
import { Settings } from "../schemas/settings.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";
import { onEmulators } from "./on-emulators.ts";
import { print } from "./print.ts";

/**
 * One landing makes 5,000 tasks ready, whose jobs end at once: how many a second the dispatcher
 * commits through Firestore's emulator, what a task costs there, and what a million of them would
 * at Google's prices of a document (us-central1, Standard).
 */
const tasks = Number(process.env["BENCH_TASKS"] ?? 5_000);
const dollars = { write: 0.9e-6, read: 0.3e-6 } as const;
const day = "2025-09-30";

function ended(job: JobSpec): LandfallEvent {
  const at = Date.now();
  const landing = { state: "landed", version: { epoch: 0, n: 1 }, at, seenBy: "job" } as const;
  const outputs = [{ table: job.output?.table ?? "", partition: job.range.end, landing }];
  const { task, run, attempt, jobId } = job;
  const told = { startedAt: at, endedAt: at, error: null, log: null, outputs };
  const how = { outcome: "succeeded", blame: "job" } as const;
  return { kind: "job-settled", schema: 1, task, run, attempt, jobId, ...how, ...told };
}

function runnerOf(bus: Bus): JobRunner {
  return {
    async submit(job) {
      await bus.publish([ended(job)]);
      return { kind: "accepted" };
    },
    cancel: async () => "unknown",
    statuses: () => NEVER,
    lanes: () => [],
    look: async () => {},
    streams: null,
    forget: async () => {},
    close: async () => {},
  };
}

function landed(partition: string): LandfallEvent {
  const version = { epoch: 0, n: 1 };
  const landing = { state: "landed", version, at: Date.now(), seenBy: "delta" } as const;
  const table = "bench.source";
  return { kind: "partition-landed", schema: 1, table, partition, landing, backlog: false };
}

/** Counts what becomes of tasks, and resolves when so many have. */
function counting() {
  const reached = { launching: 0, succeeded: 0 };
  const log: Log = {
    ...silentLog,
    info(fields) {
      const { to } = fields as { to?: string };
      if (to === "launching" || to === "succeeded") reached[to] += 1;
    },
  };
  const until = async (state: keyof typeof reached) => {
    while (reached[state] < tasks) await new Promise((resolve) => setTimeout(resolve, 2));
    return performance.now();
  };
  return { log, until };
}

function perTask(before: StoreCounters, after: StoreCounters) {
  const of = (name: keyof StoreCounters) =>
    Math.round((100 * (after[name] - before[name])) / tasks) / 100;
  return {
    written: of("documentsWritten"),
    read: of("documentsRead"),
    checked: of("documentsChecked"),
  };
}

async function storm(folder: string): Promise<void> {
  const configs = directoryObjectStore({ root: join(folder, "configs") });
  const bus = sqliteBus({ file: join(folder, "bus.db") });
  const store = firestoreTaskStore({ projectId: `bench-${process.pid}` });
  const settings = Settings.parse({ externalClosing: { when: "at-landing" }, pools: {} });
  const queries = Array.from({ length: tasks }, (_, at) => [`q${at}`, ["bench.source"]]);
  const lake = directoryObjectStore({ root: join(folder, "lake") });
  const release = await writeRelease(configs, stagingQueryFiles(Object.fromEntries(queries)));
  await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const stop = new Subject<void>();
  const { log, until } = counting();
  const ports = { bus, store, lake, configs, settings, log, by: "bench", runner: runnerOf(bus) };
  const running = lastValueFrom(dispatcher({ ...ports, clock: systemClock() }, stop), {
    defaultValue: undefined,
  });
  while ((await store.read(["plans/current"])).get("plans/current")?.body === null) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const before = store.counters();
  const begun = performance.now();
  await bus.publish([landed(day)]);
  const [claimed, done] = [await until("launching"), await until("succeeded")];
  const operations = perTask(before, store.counters());
  stop.next();
  await running;
  await Promise.all([bus.close(), store.close()]);
  const { written, read, checked } = operations;
  const million = 1e6 * ((written + checked) * dollars.write + read * dollars.read);
  print({
    bench: "firestore",
    tasks,
    claimedPerSecond: Math.round((tasks * 1_000) / (claimed - begun)),
    donePerSecond: Math.round((tasks * 1_000) / (done - begun)),
    perTask: operations,
    dollarsPerMillionTasks: Math.round(100 * million) / 100,
  });
}

await onEmulators({ only: ["firestore"] }, storm);
