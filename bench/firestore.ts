import { join } from "node:path";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { sqliteBus } from "../adapters/embedded/bus.ts";
import { systemClock } from "../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { firestoreTaskStore } from "../adapters/gcp/task-store.ts";
import type { Bus } from "../ports/bus.ts";
import type { JobRunner, JobSpec } from "../ports/job-runner.ts";
import { type Log, silentLog } from "../ports/log.ts";
import type { StoreCounters, TaskStore } from "../ports/task-store.ts";
import { writeRelease } from "../releases/release.ts";
import type { LandfallEvent } from "../schemas/events.ts";
import { Settings } from "../schemas/settings.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";
import { onEmulators } from "./on-emulators.ts";
import { print } from "./print.ts";

/**
 * One landing makes 5,000 tasks ready, whose jobs end at once: how many a second one dispatcher and
 * two commit through Firestore's emulator, with and without a pool that all of them share; what a
 * task costs there, and what a million of them would at Google's prices of a document (us-central1,
 * Standard).
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

interface Storm {
  /** All tasks take a slot of one pool, whose document every claim and every end writes. */
  readonly pooled: boolean;
  readonly dispatchers: number;
}

/** As many slots as Airflow's pool of all GroupBys has. */
const slots = 300;

/** Fewer than become ready at once, so that two dispatchers share them. */
const deliveriesMax = 100;

function settingsOf({ pooled }: Storm): Settings {
  const limited = {
    pools: { group_by_batch: { limit: slots } },
    poolOfConfType: { staging_queries: "group_by_batch" },
  };
  const pools = pooled ? limited : { pools: {} };
  return Settings.parse({ externalClosing: { when: "at-landing" }, deliveriesMax, ...pools });
}

function summed(stores: readonly TaskStore[]): StoreCounters {
  const all = stores.map((store) => store.counters());
  const of = (name: keyof StoreCounters) => all.reduce((sum, counters) => sum + counters[name], 0);
  return {
    documentsRead: of("documentsRead"),
    documentsWritten: of("documentsWritten"),
    documentsChecked: of("documentsChecked"),
    commits: of("commits"),
    conflicts: of("conflicts"),
  };
}

async function storm(folder: string, how: Storm): Promise<void> {
  const projectId = `bench-${process.pid}-${how.dispatchers}-${how.pooled ? "pooled" : "free"}`;
  const clock = systemClock();
  const configs = directoryObjectStore({ root: join(folder, "configs") });
  const lake = directoryObjectStore({ root: join(folder, "lake") });
  const settings = settingsOf(how);
  const queries = Array.from({ length: tasks }, (_, at) => [`q${at}`, ["bench.source"]]);
  const release = await writeRelease(configs, stagingQueryFiles(Object.fromEntries(queries)));
  const stop = new Subject<void>();
  const { log, until } = counting();
  const places = Array.from({ length: how.dispatchers }, () => ({
    bus: sqliteBus({ file: join(folder, "bus.db") }),
    store: firestoreTaskStore({ projectId }),
  }));
  const [first] = places;
  if (first === undefined) throw new Error("a storm has a dispatcher");
  await first.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const running = places.map(({ bus, store }, at) => {
    const ports = { bus, store, lake, configs, settings, log, clock, runner: runnerOf(bus) };
    return lastValueFrom(dispatcher({ ...ports, by: `bench-${at}` }, stop), {
      defaultValue: undefined,
    });
  });
  while ((await first.store.read(["plans/current"])).get("plans/current")?.body === null) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stores = places.map(({ store }) => store);
  const before = summed(stores);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await first.bus.publish([landed(day)]);
  // Slots come free only as jobs end, so what waits for one is claimed and done at once.
  const claimed = how.pooled ? null : await until("launching");
  const done = await until("succeeded");
  const { user, system } = process.cpuUsage(cpu);
  const after = summed(stores);
  stop.next();
  await Promise.all(running);
  await Promise.all(places.flatMap(({ bus, store }) => [bus.close(), store.close()]));
  const operations = perTask(before, after);
  const { written, read, checked } = operations;
  const million = 1e6 * ((written + checked) * dollars.write + read * dollars.read);
  print({
    bench: "firestore",
    tasks,
    ...how,
    ...(claimed === null
      ? {}
      : { claimedPerSecond: Math.round((tasks * 1_000) / (claimed - begun)) }),
    donePerSecond: Math.round((tasks * 1_000) / (done - begun)),
    commits: after.commits - before.commits,
    conflicts: after.conflicts - before.conflicts,
    cpuMsPerTask: Math.round((user + system) / 10 / tasks) / 100,
    perTask: operations,
    dollarsPerMillionTasks: Math.round(100 * million) / 100,
  });
}

for (const pooled of [false, true]) {
  for (const dispatchers of [1, 2]) {
    await onEmulators({ only: ["firestore"] }, (folder) => storm(folder, { pooled, dispatchers }));
  }
}
