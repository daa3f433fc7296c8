import type { EpochMs } from "../../schemas/ids.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import { rehearsalLake } from "../rehearsal/lake.ts";
import { type SimulatedBus, simulatedBus } from "./bus.ts";
import { type SimulatedTime, simulatedTime } from "./clock.ts";
import { type SimulatedJobs, type SimulatedJobsOptions, simulatedJobs } from "./job-runner.ts";
import { type SimulatedKeyValueStore, simulatedKeyValueStore } from "./key-value-store.ts";
import { type SimulatedObjectStore, simulatedObjectStore } from "./object-store.ts";
import { randomOf } from "./random.ts";
import { type SimulatedTaskStore, simulatedTaskStore } from "./task-store.ts";

export interface SimulatedOptions extends Omit<SimulatedJobsOptions, "world"> {
  readonly start: EpochMs;
  readonly seed: number;
  readonly settings: Settings;
  readonly behaviour: RehearsalBehaviour;
}

/** A world in memory on a time of its own; each process opens its ports for itself. */
export interface SimulatedWorld {
  readonly time: SimulatedTime;
  readonly bus: SimulatedBus;
  readonly store: SimulatedTaskStore;
  readonly lake: SimulatedObjectStore;
  readonly configs: SimulatedObjectStore;
  readonly keyValues: SimulatedKeyValueStore;
  readonly jobs: SimulatedJobs;
}

/** The same options are the same world, down to every name in it. */
export function openSimulated(options: SimulatedOptions): SimulatedWorld {
  const { start, seed, settings, behaviour, ...jobOptions } = options;
  const time = simulatedTime({ start, random: randomOf(seed, "pauses") });
  const lake = simulatedObjectStore({ clock: time });
  const configs = simulatedObjectStore({ clock: time });
  const keyValues = simulatedKeyValueStore();
  const names = randomOf(seed, "names");
  const jobs = simulatedJobs({
    ...jobOptions,
    world: {
      lake: rehearsalLake(lake.open(), settings.tables),
      keyValueStore: keyValues.open(),
      configs: configs.open(),
      clock: time,
      behaviour,
      newId: () => names.id(),
    },
  });
  const bus = simulatedBus({ clock: time });
  return { time, bus, store: simulatedTaskStore(), lake, configs, keyValues, jobs };
}
