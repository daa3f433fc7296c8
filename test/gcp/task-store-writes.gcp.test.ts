import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { afterAll, expect, test, vi } from "vitest";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { firestoreTaskStore } from "../../adapters/gcp/task-store.ts";
import { writesAtOnce } from "../../adapters/gcp/write-pace.ts";
import type { Bus } from "../../ports/bus.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { Settings } from "../../schemas/settings.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";
import { stagingQueryFiles } from "../support/staging-queries.ts";
import { countingWrites, mostWithin } from "../support/write-rates.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-writes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tables = ["data.x", "data.y", "data.z", "data.w"] as const;
const settings = Settings.parse({
  externalClosing: { when: "at-landing" },
  pools: { spark: { limit: 4 } },
  poolOfMode: { backfill: "spark" },
});
const windowMs = 30_000;
const mostOfWindow = windowMs / 1_000 + writesAtOnce;

/** Jobs that write their output after a while, and say so on the bus. */
function runnerOf(bus: Bus, jobMs: number): JobRunner {
  let written = 0;
  return {
    async submit(job) {
      setTimeout(() => void bus.publish([settled(job, ++written)]), jobMs);
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

function settled(job: JobSpec, n: number): LandfallEvent {
  const { task, run, attempt, jobId, output, range } = job;
  const at = Date.now();
  const landing = { state: "landed", version: { epoch: 0, n }, at, seenBy: "job" } as const;
  return {
    kind: "job-settled",
    schema: 1,
    task,
    run,
    attempt,
    jobId,
    outcome: "succeeded",
    blame: "job",
    startedAt: at,
    endedAt: at,
    error: null,
    log: null,
    outputs: [{ table: output?.table ?? "", partition: range.end, landing }],
  };
}

function landed(table: string, partition: string): LandfallEvent {
  const landing = {
    state: "landed",
    version: { epoch: 0, n: 1 },
    at: Date.now(),
    seenBy: "delta",
  } as const;
  return { kind: "partition-landed", schema: 1, table, partition, landing, backlog: false };
}

emulated(["firestore"], "how often documents are written", () => {
  test("a dispatcher at work writes no document more than once a second sustained", async () => {
    const projectId = freshProject();
    const configs = directoryObjectStore({ root: join(folder, "configs") });
    const bus = sqliteBus({ file: join(folder, "bus.db") });
    const real = firestoreTaskStore({ projectId });
    const { store, writes } = countingWrites(real, () => performance.now());
    const queries = {
      a: [tables[0]],
      b: [tables[1]],
      c: [tables[2], tables[3]],
      d: ["lake.t_a__0"],
    };
    const release = await writeRelease(configs, stagingQueryFiles(queries));
    await bus.publish([{ kind: "configs-released", schema: 1, release }]);
    const stop = new Subject<void>();
    const running = lastValueFrom(
      dispatcher(
        {
          bus,
          store,
          configs,
          lake: directoryObjectStore({ root: join(folder, "lake") }),
          settings,
          by: "one",
          runner: runnerOf(bus, 1_000),
          clock: systemClock(),
          log: silentLog,
        },
        stop,
      ),
      { defaultValue: undefined },
    );
    const days = Array.from({ length: 8 }, (_, at) => `2025-09-0${at + 1}`);
    for (const day of days) {
      for (const table of tables) {
        await bus.publish([landed(table, day)]);
        await sleep(1_000);
      }
    }
    await vi.waitFor(
      async () => {
        const done = await store.listTasks({ state: "succeeded", limit: 1_000 });
        expect(done).toHaveLength(days.length * Object.keys(queries).length);
      },
      { timeout: 30_000, interval: 200 },
    );
    stop.next();
    await running;
    const most = [...writes].map(([id, at]) => [id, mostWithin(at, windowMs)] as const);
    expect(most.filter(([, count]) => count > mostOfWindow)).toEqual([]);
    await bus.close();
    await real.close();
  }, 90_000);
});
