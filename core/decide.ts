import type { Command } from "../schemas/commands.ts";
import type { DocumentId } from "../schemas/documents.ts";
import type { JobSettled } from "../schemas/events.ts";
import type { Partition, PartitionRange, StepId, TableName, TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task, TaskStateKind } from "../schemas/tasks.ts";
import { asked, outcomeOf } from "./command.ts";
import { releaseOutput } from "./cover.ts";
import { daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { concernsOfBacklog, concernsOfLanding, newestOf } from "./dependents.ts";
import { type Changes, Unread } from "./draft.ts";
import { evaluate, retiredBecause, wake } from "./evaluate.ts";
import { afterOutcome } from "./outcome.ts";
import { releaseSlots } from "./pools.ts";
import { single } from "./readiness.ts";
import { dueWithoutInputs } from "./schedule.ts";
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

/** What is to be committed, and then done. */
export interface Decided {
  readonly kind: "decided";
  readonly changes: Changes;
  /** Tasks in `launching` whose job is to be submitted once this is committed. */
  readonly launches: readonly Task[];
  /** Tasks in `cancelling` whose job is to be cancelled. */
  readonly cancels: readonly Task[];
  /** Pools that have room again. */
  readonly freed: readonly string[];
  readonly moves: readonly Move[];
  /** What did not fit into one commit. */
  readonly rest: readonly Nudge[];
}

export type Decision =
  | Decided
  /** Documents to read before deciding again. */
  | { readonly kind: "unread"; readonly ids: readonly DocumentId[] }
  /** Another plan is current. */
  | { readonly kind: "plan-changed" };

interface Work {
  readonly deciding: Deciding;
  readonly queue: Nudge[];
  readonly queued: Set<TaskId>;
  readonly launches: Map<TaskId, Task>;
  readonly cancels: Map<TaskId, Task>;
  readonly freed: Set<string>;
  readonly moves: Move[];
}

const unreadMax = 1_000;

/** Decides what the nudges come to. Pure: the same documents and time give the same decision. */
export function decide(deciding: Deciding, nudges: readonly Nudge[]): Decision {
  const unread = new Set<DocumentId>();
  const work: Work = {
    deciding,
    queue: [...nudges].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]),
    queued: new Set(),
    launches: new Map(),
    cancels: new Map(),
    freed: new Set(),
    moves: [],
  };
  try {
    if (deciding.draft.get("plans/current")?.hash !== deciding.plan.plan.hash) {
      return { kind: "plan-changed" };
    }
  } catch (cause) {
    collect(unread, cause);
  }
  let at = 0;
  for (; at < work.queue.length; at++) {
    if (deciding.draft.size() >= deciding.settings.commitDocumentsMax) break;
    if (unread.size >= unreadMax) break;
    try {
      handle(work, work.queue[at]);
    } catch (cause) {
      collect(unread, cause);
    }
  }
  if (unread.size > 0) return { kind: "unread", ids: [...unread] };
  return {
    kind: "decided",
    changes: deciding.draft.changes(),
    launches: [...work.launches.values()],
    cancels: [...work.cancels.values()],
    freed: [...work.freed],
    moves: work.moves,
    rest: work.queue.slice(at),
  };
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
  concern: 8,
} as const satisfies Record<Nudge["kind"], number>;

function collect(unread: Set<DocumentId>, cause: unknown): void {
  if (!(cause instanceof Unread)) throw cause;
  for (const id of cause.ids) unread.add(id);
}

function handle(work: Work, nudge: Nudge | undefined): void {
  if (nudge === undefined) return;
  switch (nudge.kind) {
    case "settled":
      return settled(work, nudge.event);
    case "woken":
      return woken(work, nudge.task, nudge.submitted);
    case "landed":
      for (const { step, range } of concernsOfLanding(
        work.deciding,
        nudge.table,
        nudge.partition,
      )) {
        enqueue(work, taskId(step.id, range));
      }
      for (const task of waitersFor(work.deciding, nudge.table, nudge.partition)) {
        enqueue(work, task);
      }
      return;
    case "backlog":
      for (const { step, range } of concernsOfBacklog(
        work.deciding,
        nudge.table,
        nudge.partitions,
      )) {
        enqueue(work, taskId(step.id, range));
      }
      return;
    case "due":
      return due(work, nudge.step);
    case "step-added":
      for (const range of newestOf(work.deciding, nudge.step)) {
        enqueue(work, taskId(nudge.step, range));
      }
      return;
    case "command":
      return commanded(work, nudge.command);
    case "asked":
      return ask(work, nudge.task, nudge.command);
    case "concern":
      work.queued.delete(nudge.task);
      return concern(work, nudge.task);
  }
}

function enqueue(work: Work, task: TaskId): void {
  if (work.queued.has(task)) return;
  work.queued.add(task);
  work.queue.push({ kind: "concern", task });
}

function concern(work: Work, id: TaskId): void {
  const { step: stepId, range } = parseTaskId(id);
  const step = work.deciding.plan.step(stepId);
  if (step === undefined) return retire(work, id);
  const before = work.deciding.draft.get(`tasks/${id}`);
  move(work, before, evaluate(work.deciding, step, range));
}

/** A step that left the plan by a release: what is not running yet never will. */
function retire(work: Work, id: TaskId): void {
  const task = work.deciding.draft.get(`tasks/${id}`);
  if (task === null || isLive(task.state)) return;
  if (STATUS[task.state.kind].terminal) {
    return move(work, task, task.wakeAt === null ? task : { ...task, wakeAt: null });
  }
  const state = { kind: "skipped", because: retiredBecause, at: work.deciding.now } as const;
  const why = `skipped: ${retiredBecause}`;
  move(work, task, { ...task, state, why, wakeAt: null, queuedFor: null });
}

function settled(work: Work, event: JobSettled): void {
  const { deciding } = work;
  const before = deciding.draft.get(`tasks/${event.task}`);
  const after = before === null ? null : afterOutcome(deciding, before, event);
  if (after === null) return settledBefore(work, before, event);
  move(work, before, after);
  enqueue(work, after.id);
}

/** The outcome was applied, but what it let go on may not have been looked at: a page was lost. */
function settledBefore(work: Work, task: Task | null, event: JobSettled): void {
  const last = task?.runs.at(-1)?.attempts.at(-1);
  if (task === null || last === undefined || last.jobId !== event.jobId || isLive(task.state))
    return;
  for (const pool of task.held?.pools ?? []) work.freed.add(pool);
  if (STATUS[task.state.kind].terminal) reachOut(work, task);
  enqueue(work, task.id);
}

/** What an end may let go on, or tell why not: readers of its output, and the steps after it. */
function reachOut(work: Work, task: Task): void {
  const { plan } = work.deciding;
  const range: PartitionRange = { start: task.start, end: task.end };
  for (const follower of plan.followers(task.step)) {
    for (const day of daysIn(range)) enqueue(work, taskId(follower.id, single(day)));
  }
  const output = plan.step(task.step)?.output;
  if (output === undefined) return;
  for (const day of daysIn(range)) {
    for (const reader of concernsOfLanding(work.deciding, output, day)) {
      enqueue(work, taskId(reader.step.id, reader.range));
    }
    for (const waiter of waitersFor(work.deciding, output, day)) enqueue(work, waiter);
  }
}

/** Records what comes of a command, once; asking for its tasks may be done again. */
function commanded(work: Work, command: Command): void {
  const { draft } = work.deciding;
  const known = draft.get(`commands/${command.id}`);
  const outcome = known?.outcome ?? outcomeOf(work.deciding, command);
  if (known === null) draft.put(`commands/${command.id}`, { schema: 1, command, outcome });
  if (outcome.kind === "refused") return;
  const [only] = outcome.tasks;
  if (outcome.tasks.length === 1 && only !== undefined) return ask(work, only, command);
  for (const task of outcome.tasks) work.queue.push({ kind: "asked", task, command });
}

function ask(work: Work, id: TaskId, command: Command): void {
  const before = work.deciding.draft.get(`tasks/${id}`);
  const after = asked(work.deciding, id, command);
  if (after === null || after === before) return;
  move(work, before, after);
  if (after.state.kind === "cancelling") work.cancels.set(after.id, after);
  else enqueue(work, id);
}

function woken(work: Work, id: TaskId, submitted: string | null): void {
  const task = work.deciding.draft.get(`tasks/${id}`);
  if (task === null) return;
  if (!isLive(task.state)) return concern(work, id);
  const after = wake(work.deciding, task, submitted);
  if (after === task) return;
  move(work, task, after);
  if (after.state.kind === "launching") work.launches.set(id, after);
  if (after.state.kind === "cancelling") work.cancels.set(after.id, after);
}

/** Days whose time has come for a step that waits for no table. */
function due(work: Work, id: StepId): void {
  const { plan, draft, now } = work.deciding;
  const step: PlanStep | undefined = plan.step(id);
  if (step === undefined || step.schedule === null) return;
  const days = dueWithoutInputs(draft.get(`schedules/${id}`)?.cursor ?? null, now);
  const last = days.at(-1);
  if (last === undefined) return;
  for (const day of days) concern(work, taskId(id, single(day)));
  draft.put(`schedules/${id}`, { schema: 1, step: id, cursor: last });
}

function move(work: Work, before: Task | null, after: Task | null): void {
  if (after === null || after === before) return;
  const { deciding } = work;
  deciding.draft.put(`tasks/${after.id}`, after);
  rememberWaiter(deciding, before, after);
  if (before !== null) letGo(work, before, after);
  if (after.state.kind === "launching") work.launches.set(after.id, after);
  else work.launches.delete(after.id);
  if (before?.state.kind !== after.state.kind) {
    const from = before?.state.kind ?? null;
    work.moves.push({ task: after.id, from, to: after.state.kind, why: after.why });
  }
}

/** Gives back what a task held and no longer needs, and looks at whoever waited for it. */
function letGo(work: Work, before: Task, after: Task): void {
  const { deciding } = work;
  const step = deciding.plan.step(after.step);
  if (before.state.kind !== after.state.kind && !isLive(after.state)) {
    for (const pool of releaseSlots(deciding, after, step)) work.freed.add(pool);
    const left = before.queuedFor;
    if (left !== null && after.queuedFor !== left) work.freed.add(left);
  }
  if (!STATUS[before.state.kind].holdsOutput || STATUS[after.state.kind].holdsOutput) return;
  if (after.held !== undefined) {
    for (const task of releaseOutput(deciding, after, after.held.output)) enqueue(work, task);
  }
  reachOut(work, after);
}
