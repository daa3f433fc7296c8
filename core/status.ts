import type { TaskState, TaskStateKind } from "../schemas/tasks.ts";

interface StatusFacts {
  /** Nothing but a command or a named policy moves it on (I7). */
  readonly terminal: boolean;
  /** An attempt of it may be running somewhere. */
  readonly live: boolean;
  /** It counts against the limits of its pools. */
  readonly holdsSlot: boolean;
  /** Nobody else may overwrite its output, and readers of its output wait. */
  readonly holdsOutput: boolean;
}

/** What each state of a task means. The one place that says so. */
export const STATUS = {
  waiting: { terminal: false, live: false, holdsSlot: false, holdsOutput: false },
  ready: { terminal: false, live: false, holdsSlot: false, holdsOutput: true },
  launching: { terminal: false, live: true, holdsSlot: true, holdsOutput: true },
  running: { terminal: false, live: true, holdsSlot: true, holdsOutput: true },
  cancelling: { terminal: false, live: true, holdsSlot: true, holdsOutput: true },
  retrying: { terminal: false, live: false, holdsSlot: false, holdsOutput: true },
  succeeded: { terminal: true, live: false, holdsSlot: false, holdsOutput: false },
  failed: { terminal: true, live: false, holdsSlot: false, holdsOutput: false },
  cancelled: { terminal: true, live: false, holdsSlot: false, holdsOutput: false },
  covered: { terminal: false, live: false, holdsSlot: false, holdsOutput: false },
  skipped: { terminal: true, live: false, holdsSlot: false, holdsOutput: false },
} as const satisfies Record<TaskStateKind, StatusFacts>;

/** A state in which an attempt, a run and a job id are set. */
export type LiveState = Extract<TaskState, { jobId: string }>;

export function isLive(state: TaskState): state is LiveState {
  return STATUS[state.kind].live;
}

/** Why a task was skipped that comes back when its step does. */
export const retiredBecause = "its step is no longer in the plan";

/** Why a task has a run that nothing but its inputs asked for: its first, or one after it came back. */
export const firstBecause = "inputs complete";
