import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { Bus } from "../../ports/bus.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { Settings } from "../../schemas/settings.ts";
import type { DispatcherPorts } from "../../services/dispatcher/dispatching.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { stagingQueryFiles } from "./staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-dispatcher-"));

/** Removes all worlds; for `afterAll`. */
export function removeWorlds(): void {
  rmSync(folder, { recursive: true, force: true });
}

export const settings = Settings.parse({ externalClosing: { when: "at-landing" }, tickMs: 20 });
/** What each staging query reads. */
export const queries = {
  a: ["data.x"],
  b: ["lake.t_a__0"],
  c: ["lake.t_a__0", "data.y"],
  d: ["lake.t_b__0", "lake.t_c__0"],
};

let worlds = 0;

/** The embedded store and bus, opened as often as asked, with the queries released. */
export async function openWorld() {
  const { released, ...world } = await openUnreleased();
  await released();
  return world;
}

/** The same before the queries are released. */
export async function openUnreleased() {
  const place = join(folder, String(++worlds));
  const configs = directoryObjectStore({ root: join(place, "configs") });
  const lake = directoryObjectStore({ root: join(place, "lake") });
  const open = () => ({
    bus: sqliteBus({ file: join(place, "bus.db") }),
    store: sqliteTaskStore({ file: join(place, "state.db") }),
  });
  const { bus, store } = open();
  const released = async () => {
    const release = await writeRelease(configs, stagingQueryFiles(queries));
    await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  };
  return { configs, lake, bus, store, open, released };
}

type Started = Pick<DispatcherPorts, "bus" | "store" | "configs" | "lake" | "runner"> &
  Partial<DispatcherPorts>;

/** Runs a dispatcher in silence, on the machine's clock unless said otherwise; ends it by what it answers. */
export function started(ports: Started): () => Promise<void> {
  const stop = new Subject<void>();
  const usual = { settings, by: "one", clock: systemClock(), log: silentLog };
  const running = lastValueFrom(dispatcher({ ...usual, ...ports }, stop), {
    defaultValue: undefined,
  });
  return async () => {
    stop.next();
    await running;
  };
}

let written = 0;

/** A runner whose jobs end at once, having written their output; reports straight to the bus. */
export function instantRunner(bus: Bus, submitted: JobSpec[]): JobRunner {
  const known = new Set<string>();
  return {
    async submit(job) {
      submitted.push(job);
      if (known.has(job.jobId)) return { kind: "exists" };
      known.add(job.jobId);
      await bus.publish([settledOf(job)], job.trace);
      return { kind: "accepted" };
    },
    cancel: async (jobId) => (known.has(jobId) ? "asked" : "unknown"),
    statuses: () => NEVER,
    lanes: () => [],
    look: async () => {},
    streams: null,
    forget: async () => {},
    close: async () => {},
  };
}

function settledOf(job: JobSpec): LandfallEvent {
  const at = Date.now();
  const version = { epoch: 0, n: ++written };
  return {
    kind: "job-settled",
    schema: 1,
    task: job.task,
    run: job.run,
    attempt: job.attempt,
    jobId: job.jobId,
    outcome: "succeeded",
    blame: "job",
    startedAt: at,
    endedAt: at,
    error: null,
    log: null,
    outputs: [
      {
        table: job.output?.table ?? "",
        partition: job.range.end,
        landing: { state: "landed", version, at, seenBy: "job" },
      },
    ],
  };
}

/** A commit `n` that a partition landed with. */
export function landed(table: string, partition: string, n: number): LandfallEvent {
  const landing = {
    state: "landed" as const,
    version: { epoch: 0, n },
    at: Date.now(),
    seenBy: "delta" as const,
  };
  return { kind: "partition-landed", schema: 1, table, partition, landing, backlog: false };
}

export async function allTasks(store: TaskStore) {
  return store.listTasks({ limit: 10_000 });
}

export const days = Array.from(
  { length: 20 },
  (_, at) => `2025-09-${String(at + 1).padStart(2, "0")}`,
);
