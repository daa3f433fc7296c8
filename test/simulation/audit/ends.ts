import type { EpochMs } from "../../../schemas/ids.ts";
import type { Attempt, Task } from "../../../schemas/tasks.ts";
import { breaks, type History, stepOf } from "./history.ts";

/**
 * I2 and I3: an attempt ends by the end of its job. Whatever a list lacked, whatever was refused for
 * a while: while its job runs it has not ended, and without one it can only have been cancelled.
 */
export function endsHeld(history: History, { task, before, at }: Stored): void {
  if (stepOf(history, task.step)?.publishes === true) return;
  for (const { jobId, attempt, outcome } of newlyEnded(task, before)) {
    const job = history.jobs.get(jobId);
    const what = `attempt ${attempt} of ${task.id} is said to have ${outcome}`;
    if (job === undefined && outcome !== "cancelled") {
      breaks(history, { promise: "I3", at }, `${what}, but no job of it ever began`);
    }
    if (job === undefined) continue;
    if (job.ended === null) breaks(history, { promise: "I2", at }, `${what} while its job runs`);
    else if (outcome === "vanished" && job.state !== "vanished") {
      breaks(history, { promise: "I3", at }, `${what}, but its job ${job.state}`);
    }
  }
}

interface Stored {
  readonly task: Task;
  readonly before: Task | undefined;
  readonly at: EpochMs;
}

function newlyEnded(task: Task, before: Task | undefined): Attempt[] {
  const known = new Set(attemptsOf(before).flatMap((a) => (a.outcome === null ? [] : [a.jobId])));
  return attemptsOf(task).filter(({ jobId, outcome }) => outcome !== null && !known.has(jobId));
}

function attemptsOf(task: Task | undefined): readonly Attempt[] {
  return task?.runs.at(-1)?.attempts ?? [];
}
