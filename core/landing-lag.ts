import type { EpochMs } from "../schemas/ids.ts";
import type { Landing } from "../schemas/landings.ts";
import type { Task } from "../schemas/tasks.ts";

/** Finds a landing among what is in memory. */
export type FindLanding = (table: string, partition: string) => Landing | null;

/**
 * How long after the last landing it waited for a run was first claimed; null where that says
 * nothing of the pipeline: later attempts, what somebody asked for, what reads no table.
 */
export function landingLagMs(task: Task, landingOf: FindLanding, now: EpochMs): number | null {
  const { state, reads, requestedBy } = task;
  if (state.kind !== "launching" || state.attempt > 1 || requestedBy.length > 0) return null;
  const landed = Object.entries(reads).flatMap(([table, days]) =>
    Object.keys(days).flatMap((day) => landingOf(table, day)?.at ?? []),
  );
  return landed.length === 0 ? null : Math.max(0, now - Math.max(...landed));
}
