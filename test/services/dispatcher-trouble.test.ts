import { tap } from "rxjs";
import { afterAll, describe, expect, test, vi } from "vitest";
import { scaledClock } from "../../adapters/embedded/clock.ts";
import { objectError } from "../../adapters/gcp/object-errors.ts";
import type { Bus } from "../../ports/bus.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Task } from "../../schemas/tasks.ts";
import {
  allTasks,
  days,
  instantRunner,
  landed,
  openUnreleased,
  openWorld,
  queries,
  removeWorlds,
  settings,
  started,
} from "../support/dispatcher-place.ts";

afterAll(removeWorlds);

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
    const end = started({
      ...world,
      store: flaky,
      runner: instantRunner(world.bus, submitted),
      settings: { ...settings, submitWithinMs: 300 },
    });
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
    await end();
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
    const end = started({ ...world, runner: away, clock });
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
    await end();
  });

  test("before the first release a tick is over at once, and a landing waits for the plan", async () => {
    const { released, ...world } = await openUnreleased();
    const submitted: JobSpec[] = [];
    const delivered: string[] = [];
    const heard: Bus = {
      ...world.bus,
      deliveries: (options) =>
        world.bus.deliveries(options).pipe(tap(({ event }) => delivered.push(event.kind))),
    };
    const runner = instantRunner(world.bus, submitted);
    const end = started({
      ...world,
      bus: heard,
      runner,
    });
    const tick = { kind: "tick", schema: 1, at: Date.now() } as const;
    await world.bus.publish([landed("data.x", "2025-09-01", 1), tick, tick]);
    const times = (kind: string) => delivered.filter((heardOf) => heardOf === kind).length;
    await vi.waitFor(() => expect(times("partition-landed")).toBeGreaterThan(4), {
      timeout: 10_000,
    });
    expect(times("tick")).toBe(2);
    await released();
    await vi.waitFor(() => expect(submitted.map(({ config }) => config)).toContain("t.b__0"), {
      timeout: 10_000,
    });
    await end();
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
    const end = started({
      ...world,
      store: poisoned,
      runner: instantRunner(world.bus, submitted),
    });
    await world.bus.publish(days.slice(0, 3).map((day) => landed("data.x", day, 1)));
    await vi.waitFor(async () => expect(await world.bus.deadLetters(10)).toHaveLength(1), {
      timeout: 20_000,
    });
    const [letter] = await world.bus.deadLetters(10);
    expect(letter?.reason).toContain("document is not readable");
    await vi.waitFor(() =>
      expect(submitted.filter(({ config }) => config === "t.a__0")).toHaveLength(2),
    );
    await end();
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
    const end = started({
      ...world,
      configs,
      runner: instantRunner(world.bus, submitted),
      log: { ...silentLog, warn: (fields) => void warnings.push(fields) },
    });
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
    await end();
  });
});
