import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { JobRunner } from "./job-runner.ts";
import type { KeyValueStore } from "./key-value-store.ts";
import type { ObjectStore } from "./object-store.ts";
import type { TaskStore } from "./task-store.ts";

/** A place where Flink leaves manifests and checkpoints. */
export interface FlinkState {
  /** What jobs know it by, without a slash at its end. */
  readonly uri: string;
  /** Only jobs write there. */
  readonly store: Pick<ObjectStore, "read" | "list">;
}

/** Opens the place that a `FLINK_STATE_URI` names, or the world's own; null: none is known. */
export type OpenFlinkState = (uri: string | undefined) => FlinkState | null;

/** Every port of one world. */
export interface World {
  readonly bus: Bus;
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  /** Holds releases, confs and plans. */
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly runner: JobRunner;
  readonly flinkState: OpenFlinkState;
  readonly clock: Clock;
  close(): Promise<void>;
}
