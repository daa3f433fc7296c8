import type { EpochMs } from "../schemas/ids.ts";
import type { TaskState } from "../schemas/tasks.ts";

/**
 * Where a task stands in the queue of what it waits for, the least first; null while it is in none.
 * A head start counts as time that was waited, so nobody waits for ever: whoever waits longer than
 * the longest head start is before all that come later.
 */
export function queuePlace(state: TaskState): EpochMs | null {
  return state.kind === "ready" ? state.since - (state.headStartMs ?? 0) : null;
}
