import type { Clock } from "../../../ports/clock.ts";
import type { JobRunner, StreamJobs } from "../../../ports/job-runner.ts";
import type { Log } from "../../../ports/log.ts";
import type { TaskStore } from "../../../ports/task-store.ts";
import type { OpenFlinkState } from "../../../ports/world.ts";
import type { Settings } from "../../../schemas/settings.ts";
import type { Plans } from "../plans.ts";

export interface StreamPorts {
  readonly store: TaskStore;
  readonly runner: Pick<JobRunner, "submit" | "cancel">;
  readonly streams: StreamJobs;
  readonly flinkState: OpenFlinkState;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  readonly plans: Plans;
  /** The name this dispatcher claims under. */
  readonly by: string;
}
