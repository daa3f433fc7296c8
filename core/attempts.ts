import type { Task } from "../schemas/tasks.ts";

/** Whether an attempt of a task has ended, of those that it still holds. */
export function hasEnded({ runs }: Pick<Task, "runs">): boolean {
  return runs.some(({ attempts }) => attempts.some(({ endedAt }) => endedAt !== null));
}
