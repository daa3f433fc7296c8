import { lastValueFrom, Subject } from "rxjs";
import { afterAll, expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import { Settings } from "../../schemas/settings.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import {
  allTasks,
  days,
  instantRunner,
  landed,
  openWorld,
  removeWorlds,
  settings,
} from "../support/dispatcher-place.ts";

afterAll(removeWorlds);

test("I6: a large pool, a team's and a step's limit are kept, and everything gets its turn", async () => {
  const world = await openWorld();
  const limits = { ...settings, pools: { all: { limit: 8 } }, poolOfMode: { backfill: "all" } };
  const own = Settings.parse({ ...limits, maxActiveRuns: 3, teams: { t: { limit: 6 } } });
  const submitted: JobSpec[] = [];
  const inner = instantRunner(world.bus, submitted);
  const seen: Record<string, number> = {};
  const runner = {
    ...inner,
    async submit(job: JobSpec) {
      const read = await world.store.read([
        "pools/all",
        "pools/team:t",
        "pools/step:t.a__0/backfill",
      ]);
      for (const [id, { body }] of read) {
        const held = body !== null && "holders" in body ? Object.keys(body.holders).length : 0;
        seen[id] = Math.max(seen[id] ?? 0, held);
      }
      return inner.submit(job);
    },
  };
  const stop = new Subject<void>();
  const ports = {
    ...world,
    runner,
    settings: own,
    by: "one",
    clock: systemClock(),
    log: silentLog,
  };
  const running = lastValueFrom(dispatcher(ports, stop), { defaultValue: undefined });
  await world.bus.publish(
    days.flatMap((day) => [landed("data.x", day, 1), landed("data.y", day, 1)]),
  );
  await vi.waitFor(
    async () => {
      const tasks = await allTasks(world.store);
      expect(tasks.filter(({ state }) => state.kind === "succeeded")).toHaveLength(4 * days.length);
    },
    { timeout: 60_000, interval: 100 },
  );
  stop.next();
  await running;
  expect(seen["pools/all"]).toBeLessThanOrEqual(8);
  expect(seen["pools/team:t"]).toBeLessThanOrEqual(6);
  expect(seen["pools/step:t.a__0/backfill"]).toBe(3);
  expect(new Set(submitted.map(({ task }) => task)).size).toBe(4 * days.length);
}, 90_000);
