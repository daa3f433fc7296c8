import type { Command } from "../schemas/commands.ts";
import type { JobSettled } from "../schemas/events.ts";
import type { Partition, PartitionRange, StepId, TableName, TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { Task, TaskStateKind } from "../schemas/tasks.ts";
import { releaseOutput } from "./cover.ts";
import { daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { type Concern, concernsOfLanding } from "./dependents.ts";
import { isLanePool } from "./lanes.ts";
import { releaseSlots } from "./pools.ts";
import { single } from "./readiness.ts";
import { isLive, STATUS } from "./status.ts";
import { rememberWaiter, waitersFor } from "./waiters.ts";

/** Something that may have changed what is to be done. It orders nothing: the documents decide. */
export type Nudge =
  | { readonly kind: "settled"; readonly event: JobSettled }
  | {
      readonly kind: "woken";
      readonly task: TaskId;
      /** The job of the task that is known to have been submitted, if any. */
      readonly submitted: string | null;
    }
  | { readonly kind: "landed"; readonly table: TableName; readonly partition: Partition }
  | {
      readonly kind: "backlog";
      readonly table: TableName;
      readonly partitions: readonly Partition[];
    }
  /** Days may have come that a step without inputs is due for. */
  | { readonly kind: "due"; readonly step: StepId }
  /** The step is new to the plan; its tables may have landed long ago. */
  | { readonly kind: "step-added"; readonly step: StepId }
  /** The step has other inputs or another schedule: a day that would have begun by now may have no task. */
  | { readonly kind: "step-changed"; readonly step: StepId }
  | { readonly kind: "command"; readonly command: Command }
  /** A command asks for a task. */
  | { readonly kind: "asked"; readonly task: TaskId; readonly command: Command }
  | { readonly kind: "concern"; readonly task: TaskId };

/** One task's move from state to state, for the log. */
export interface Move {
  readonly task: TaskId;
  readonly from: TaskStateKind | null;
  readonly to: TaskStateKind;
  readonly why: string;
}

/** One look under way: what is still to be looked at, and what has come of it so far. */
export interface Work {
  readonly deciding: Deciding;
  /** In order of their ranks from `next` on. */
  readonly queue: Queued[];
  /** Position in `queue` of the nudge that is handled next. */
  next: number;
  readonly queued: Set<TaskId>;
  readonly launches: Map<TaskId, Task>;
  readonly cancels: Map<TaskId, Task>;
  readonly freed: Set<string>;
  /** Pools that tasks were queued for. */
  readonly queuedFor: Set<string>;
  readonly moves: Move[];
}

/** A nudge and when its turn is. */
interface Queued {
  readonly nudge: Nudge;
  readonly rank: number;
}

/** Ends first: what they free and land is seen by everything after. */
const ORDER = {
  settled: 0,
  command: 1,
  asked: 2,
  woken: 3,
  landed: 4,
  backlog: 5,
  due: 6,
  "step-added": 7,
  "step-changed": 7,
  concern: 8,
} as const satisfies Record<Nudge["kind"], number>;

/** No chain of configs is as long as that. */
const depthsMax = 100_000;

/**
 * A nudge, and when its turn is. Of tasks, those that write come before those that read what they write,
 * so that a reader sees in the same look that its input is about to be written again.
 */
export function ranked({ plan }: Deciding, nudge: Nudge): Queued {
  const order = ORDER[nudge.kind] * depthsMax;
  if (nudge.kind !== "concern" && nudge.kind !== "woken") return { nudge, rank: order };
  const depth = plan.depth(parseTaskId(nudge.task).step);
  return { nudge, rank: order + Math.min(depthsMax - 1, depth) };
}

/** Looks at a task later in this look, once. */
export function enqueue(work: Work, task: TaskId): void {
  if (work.queued.has(task)) return;
  work.queued.add(task);
  insert(work, { kind: "concern", task });
}

/** Puts a nudge behind all that come before it. */
export function insert(work: Work, nudge: Nudge): void {
  const { queue, deciding } = work;
  const own = ranked(deciding, nudge);
  let [low, high] = [work.next, queue.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = queue[middle];
    if (other !== undefined && other.rank <= own.rank) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, own);
}

/** Writes a task as it is now, with everything that follows from its change of state. */
export function move(work: Work, before: Task | null, after: Task | null): void {
  if (after === null || after === before) return;
  const { deciding } = work;
  deciding.draft.put(`tasks/${after.id}`, after);
  if (after.queuedFor !== null) work.queuedFor.add(after.queuedFor);
  rememberWaiter(deciding, before, after);
  letGo(work, before, after);
  if (after.state.kind === "launching") work.launches.set(after.id, after);
  else work.launches.delete(after.id);
  if (before?.state.kind !== after.state.kind) {
    const from = before?.state.kind ?? null;
    work.moves.push({ task: after.id, from, to: after.state.kind, why: after.why });
  }
}

/** Gives back what a task held and no longer needs, and looks at whoever waited for it. */
function letGo(work: Work, before: Task | null, after: Task): void {
  const { deciding } = work;
  const step = deciding.plan.step(after.step);
  if (before?.state.kind !== after.state.kind && !isLive(after.state)) {
    for (const pool of releaseSlots(deciding, after, step)) work.freed.add(pool);
    const left = before?.queuedFor ?? null;
    if (left !== null && after.queuedFor !== left && !isLanePool(left)) work.freed.add(left);
  }
  if (before === null) return;
  if (!STATUS[before.state.kind].holdsOutput || STATUS[after.state.kind].holdsOutput) return;
  if (after.held !== undefined) {
    for (const task of releaseOutput(deciding, after, after.held.output)) enqueue(work, task);
  }
  reachOut(work, after);
}

/**
 * What an end may let go on, or tell why not: readers of its output, and the steps after it. Of a step that
 * left the plan readers may have stayed, which wait for it no more.
 */
export function reachOut(work: Work, task: Task): void {
  const { plan } = work.deciding;
  const range: PartitionRange = { start: task.start, end: task.end };
  for (const follower of plan.followers(task.step)) {
    for (const day of daysIn(range)) enqueue(work, taskId(follower.id, single(day)));
  }
  const output = plan.step(task.step)?.output ?? task.held?.output ?? null;
  if (output === null) return;
  for (const day of daysIn(range)) lookAtReaders(work, output, day);
}

/** Looks at every task that may be concerned by what became of a partition. */
export function lookAtReaders(work: Work, table: TableName, partition: Partition): void {
  enqueueAll(work, concernsOfLanding(work.deciding, table, partition));
  for (const waiter of waitersFor(work.deciding, table, partition)) enqueue(work, waiter);
}

export function enqueueAll(work: Work, concerns: readonly Concern[]): void {
  for (const { step, range } of concerns) enqueue(work, taskId(step.id, range));
}
