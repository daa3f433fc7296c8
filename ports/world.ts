import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { JobRunner } from "./job-runner.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { ObjectStore } from "./object-store.ts";
import type { TaskStore } from "./task-store.ts";

/** Every port of one world. */
export interface World {
  readonly bus: Bus;
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  /** Holds releases, confs and plans. */
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly runner: JobRunner;
  readonly clock: Clock;
  close(): Promise<void>;
}
