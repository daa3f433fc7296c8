import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { scaledClock, systemClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import { objectError } from "../../adapters/gcp/object-errors.ts";
import { violations } from "../../core/invariants.ts";
import type { Bus } from "../../ports/bus.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { type DispatcherPorts, dispatcher } from "../../services/dispatcher/pipeline.ts";
import { stagingQueryFiles } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-dispatcher-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = Settings.parse({ externalClosing: { when: "at-landing" }, tickMs: 20 });
const queries = {
  a: ["data.x"],
  b: ["lake.t_a__0"],
  c: ["lake.t_a__0", "data.y"],
  d: ["lake.t_b__0", "lake.t_c__0"],
};

let worlds = 0;

/** The embedded store and bus, opened as often as asked, with the queries released. */
async function openWorld() {
  const place = join(folder, String(++worlds));
  const configs = directoryObjectStore({ root: join(place, "configs") });
  const open = () => ({
    bus: sqliteBus({ file: join(place, "bus.db") }),
    store: sqliteTaskStore({ file: join(place, "state.db") }),
  });
  const { bus, store } = open();
  const release = await writeRelease(configs, stagingQueryFiles(queries));
  await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  return { configs, bus, store, open };
}

let written = 0;

/** A runner whose jobs end at once, having written their output; reports straight to the bus. */
function instantRunner(bus: Bus, submitted: JobSpec[]): JobRunner {
  const known = new Set<string>();
  return {
    async submit(job) {
      submitted.push(job);
      if (known.has(job.jobId)) return { kind: "exists" };
      known.add(job.jobId);
      await bus.publish([settledOf(job)]);
      return { kind: "accepted" };
    },
    cancel: async (jobId) => (known.has(jobId) ? "asked" : "unknown"),
    statuses: () => NEVER,
    lanes: () => [],
    look: async () => {},
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

function landed(table: string, partition: string, n: number): LandfallEvent {
  const landing = {
    state: "landed" as const,
    version: { epoch: 0, n },
    at: Date.now(),
    seenBy: "delta" as const,
  };
  return { kind: "partition-landed", schema: 1, table, partition, landing, backlog: false };
}

async function allTasks(store: TaskStore) {
  return store.listTasks({ limit: 10_000 });
}

async function brokenInvariants(store: TaskStore) {
  const tasks = await allTasks(store);
  return violations(
    new Map(tasks.map((task): [DocumentId, typeof task] => [`tasks/${task.id}`, task])),
  );
}

const days = Array.from({ length: 20 }, (_, at) => `2025-09-${String(at + 1).padStart(2, "0")}`);

test("two dispatchers at once: every task once, whatever is doubled and out of order", async () => {
  const world = await openWorld();
  const submitted: JobSpec[] = [];
  const runner = instantRunner(world.bus, submitted);
  const stop = new Subject<void>();
  const start = (by: string) => {
    const ports: DispatcherPorts = {
      ...world,
      ...world.open(),
      runner,
      settings,
      by,
      clock: systemClock(),
      log: silentLog,
    };
    return lastValueFrom(dispatcher(ports, stop), { defaultValue: undefined });
  };
  const running = [start("one"), start("two")];
  const events = days.flatMap((day) => [landed("data.x", day, 1), landed("data.y", day, 1)]);
  const shuffled = [...events, ...events].sort(() => Math.random() - 0.5);
  for (const event of shuffled) await world.bus.publish([event]);
  await vi.waitFor(
    async () => {
      const tasks = await allTasks(world.store);
      const done = tasks.filter(({ state }) => state.kind === "succeeded");
      expect(done).toHaveLength(days.length * Object.keys(queries).length);
    },
    { timeout: 30_000, interval: 100 },
  );
  stop.next();
  await Promise.all(running);
  const tasks = await allTasks(world.store);
  for (const task of tasks) {
    expect(
      task.runs.map(({ attempts }) => attempts.length),
      task.id,
    ).toEqual([1]);
  }
  expect(new Set(submitted.map(({ jobId }) => jobId)).size).toBe(tasks.length);
  expect(await brokenInvariants(world.store)).toEqual([]);
});

describe("a world that does not answer", () => {
  test("store outages and lost commits: what was decided happens once, nothing is stranded", async () => {
    const world = await openWorld();
    const submitted: JobSpec[] = [];
    let calls = 0;
    const flaky: TaskStore = {
      ...world.store,
      async read(ids) {
        if (++calls % 5 === 0) throw new RetryableError("the store is away");
        return world.store.read(ids);
      },
      async commit(commit) {
        calls += 1;
        if (calls % 7 === 0) throw new RetryableError("the store is away");
        const answer = await world.store.commit(commit);
        return calls % 11 === 0 ? { kind: "unknown", cause: "the answer was lost" } : answer;
      },
    };
    const stop = new Subject<void>();
    const running = lastValueFrom(
      dispatcher(
        {
          ...world,
          store: flaky,
          runner: instantRunner(world.bus, submitted),
          settings: { ...settings, submitWithinMs: 300 },
          by: "one",
          clock: systemClock(),
          log: silentLog,
        },
        stop,
      ),
      { defaultValue: undefined },
    );
    for (const day of days.slice(0, 5)) {
      await world.bus.publish([landed("data.x", day, 1), landed("data.y", day, 1)]);
    }
    const tick = setInterval(
      () => void world.bus.publish([{ kind: "tick", schema: 1, at: Date.now() }]),
      50,
    );
    await vi.waitFor(
      async () => {
        const done = await world.store.listTasks({ state: "succeeded", limit: 1_000 });
        expect(done).toHaveLength(5 * Object.keys(queries).length);
      },
      { timeout: 30_000, interval: 100 },
    );
    clearInterval(tick);
    stop.next();
    await running;
    for (const task of await allTasks(world.store)) {
      expect(
        task.runs.map(({ attempts }) => attempts.length),
        task.id,
      ).toEqual([1]);
    }
  });

  test("a job that was never submitted and is cancelled ends, and frees what it held", async () => {
    const world = await openWorld();
    const away: JobRunner = {
      ...instantRunner(world.bus, []),
      submit: async () => Promise.reject(new RetryableError("the runner is away")),
    };
    const clock = scaledClock({ start: Date.now(), speed: 600 });
    const stop = new Subject<void>();
    const running = lastValueFrom(
      dispatcher({ ...world, runner: away, settings, by: "one", clock, log: silentLog }, stop),
      { defaultValue: undefined },
    );
    await world.bus.publish([landed("data.x", "2025-09-01", 1)]);
    const task = "t.a__0/backfill@2025-09-01";
    const state = async () => {
      const read = (await world.store.read([`tasks/${task}`])).get(`tasks/${task}`);
      return (read?.body as Task | null)?.state.kind ?? null;
    };
    await vi.waitFor(async () => expect(await state()).toBe("launching"), { timeout: 10_000 });
    const command = { kind: "task-cancel", schema: 1, id: "c", by: "ana", at: 0, task } as const;
    await world.bus.publish([command]);
    const tick = setInterval(
      () => void world.bus.publish([{ kind: "tick", schema: 1, at: clock.now() }]),
      20,
    );
    await vi.waitFor(async () => expect(await state()).toBe("cancelled"), { timeout: 20_000 });
    clearInterval(tick);
    stop.next();
    await running;
  });

  test("an event that cannot be handled is put aside with its reason; the others go on", async () => {
    const world = await openWorld();
    const submitted: JobSpec[] = [];
    const poisoned: TaskStore = {
      ...world.store,
      async read(ids) {
        if (ids.some((id) => id.includes("2025-09-02")))
          throw new Error("document is not readable");
        return world.store.read(ids);
      },
    };
    const stop = new Subject<void>();
    const running = lastValueFrom(
      dispatcher(
        {
          ...world,
          store: poisoned,
          runner: instantRunner(world.bus, submitted),
          settings,
          by: "one",
          clock: systemClock(),
          log: silentLog,
        },
        stop,
      ),
      { defaultValue: undefined },
    );
    await world.bus.publish(days.slice(0, 3).map((day) => landed("data.x", day, 1)));
    await vi.waitFor(async () => expect(await world.bus.deadLetters(10)).toHaveLength(1), {
      timeout: 20_000,
    });
    const [letter] = await world.bus.deadLetters(10);
    expect(letter?.reason).toContain("document is not readable");
    await vi.waitFor(() =>
      expect(submitted.filter(({ config }) => config === "t.a__0")).toHaveLength(2),
    );
    stop.next();
    await running;
  });

  test("a right that is missing on the configs' bucket holds events back and puts none aside", async () => {
    const world = await openWorld();
    const submitted: JobSpec[] = [];
    const forbidden = Object.assign(new Error("does not have storage.objects.get access"), {
      code: 403,
    });
    let granted = false;
    const configs: ObjectStore = {
      ...world.configs,
      async read(name) {
        if (granted) return world.configs.read(name);
        throw objectError({ doing: `read ${name}`, bucket: "acme-landfall" }, forbidden);
      },
    };
    const warnings: object[] = [];
    const stop = new Subject<void>();
    const running = lastValueFrom(
      dispatcher(
        {
          ...world,
          configs,
          runner: instantRunner(world.bus, submitted),
          settings,
          by: "one",
          clock: systemClock(),
          log: { ...silentLog, warn: (fields) => void warnings.push(fields) },
        },
        stop,
      ),
      { defaultValue: undefined },
    );
    await world.bus.publish([landed("data.x", "2025-09-01", 1)]);
    await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(2), { timeout: 10_000 });
    expect(warnings[0]).toEqual({
      reason: expect.stringMatching(
        /^cannot read releases\/.*: permission denied on the bucket acme-landfall; grant the service account roles\/storage.objectUser there$/,
      ),
    });
    granted = true;
    await vi.waitFor(() => expect(submitted.map(({ config }) => config)).toContain("t.b__0"), {
      timeout: 10_000,
    });
    expect(await world.bus.deadLetters(10)).toEqual([]);
    stop.next();
    await running;
  });
});
