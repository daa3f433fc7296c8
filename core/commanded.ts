import type { Command } from "../schemas/commands.ts";
import type { Task } from "../schemas/tasks.ts";

/** Why a run is there that somebody asked for. */
export function commandedBecause(command: Command): string {
  return `${command.kind === "task-retry" ? "retry" : "backfill"} by ${command.by}`;
}

/**
 * Whether a run was asked for: then no newer day makes it needless and no schedule holds it back.
 */
export function isCommanded(because: string | null): boolean {
  return because !== null && /^(?:retry|backfill) by /.test(because);
}

/** Whether anybody asked for a task: for this run, or while it waited for what had let it begin. */
export function isAskedFor(task: Pick<Task, "requestedBy">, because: string | null): boolean {
  return isCommanded(because) || task.requestedBy.length > 0;
}
