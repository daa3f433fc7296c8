import type { World } from "../../ports/world.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import { rehearsalLake } from "../rehearsal/lake.ts";
import { simulatedBus } from "./bus.ts";
import { type SimulatedTime, simulatedTime } from "./clock.ts";
import { simulatedJobs } from "./job-runner.ts";
import { simulatedKeyValueStore } from "./key-value-store.ts";
import { simulatedObjectStore } from "./object-store.ts";
import { randomOf } from "./random.ts";
import { simulatedTaskStore } from "./task-store.ts";

export interface SimulatedOptions {
  readonly start: EpochMs;
  readonly seed: number;
  readonly settings: Settings;
  readonly behaviour: RehearsalBehaviour;
}

/** A world in memory on a time of its own. */
export interface SimulatedWorld extends World {
  readonly clock: SimulatedTime;
}

/** The same options are the same world, down to every name in it. */
export function openSimulated({
  start,
  seed,
  settings,
  behaviour,
}: SimulatedOptions): SimulatedWorld {
  const clock = simulatedTime({ start, random: randomOf(seed, "pauses") });
  const lake = simulatedObjectStore({ clock }).open();
  const configs = simulatedObjectStore({ clock }).open();
  const flinkState = simulatedObjectStore({ clock }).open();
  const keyValueStore = simulatedKeyValueStore().open();
  const names = randomOf(seed, "names");
  const jobs = simulatedJobs({
    world: {
      lake: rehearsalLake(lake, settings.tables),
      keyValueStore,
      configs,
      flinkState,
      clock,
      behaviour,
      newId: () => names.id(),
    },
  });
  const bus = simulatedBus({ clock }).open();
  const store = simulatedTaskStore().open();
  const runner = jobs.open();
  return {
    bus,
    store,
    lake,
    configs,
    keyValueStore,
    runner,
    flinkState: (uri) => ({ uri: uri ?? "memory:", store: flinkState }),
    clock,
    async close() {
      const stores = [lake, configs, flinkState, keyValueStore, store];
      for (const port of [runner, bus, ...stores]) await port.close();
    },
  };
}
