import { lastValueFrom, Subject } from "rxjs";
import { afterAll, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { violations } from "../../core/invariants.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { DispatcherPorts } from "../../services/dispatcher/dispatching.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import {
  allTasks,
  days,
  instantRunner,
  landed,
  openWorld,
  queries,
  removeWorlds,
  settings,
} from "../support/dispatcher-place.ts";

afterAll(removeWorlds);

async function brokenInvariants(store: TaskStore) {
  const tasks = await allTasks(store);
  return violations(
    new Map(tasks.map((task): [DocumentId, typeof task] => [`tasks/${task.id}`, task])),
  );
}

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
