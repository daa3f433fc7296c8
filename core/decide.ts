import type { Command, MetadataDelete, StreamCommand } from "../schemas/commands.ts";
import type { DocumentId } from "../schemas/documents.ts";
import type { JobSettled } from "../schemas/events.ts";
import type { StepId, TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { asked, outcomeOf } from "./command.ts";
import type { Deciding } from "./deciding.ts";
import { concernsOfBacklog, newestOf } from "./dependents.ts";
import { type Changes, lookingAhead, Unread } from "./draft.ts";
import { evaluate, wake } from "./evaluate.ts";
import { rememberLanding } from "./facts.ts";
import { foreseen } from "./foreseen.ts";
import { withAskedRows } from "./metadata-asked.ts";
import { afterOutcome } from "./outcome.ts";
import { releasePassedOn, releaseUnread } from "./pools.ts";
import { single } from "./readiness.ts";
import { dueWithoutInputs } from "./schedule.ts";
import { isLive, retiredBecause, STATUS } from "./status.ts";
import { withAsked } from "./streams/asked.ts";
import {
  enqueue,
  enqueueAll,
  insert,
  lookAtReaders,
  type Move,
  move,
  type Nudge,
  ranked,
  reachOut,
  type Work,
} from "./work.ts";

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
  /** Pools that tasks were queued for. */
  readonly queuedFor: readonly string[];
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

const unreadMax = 1_000;

/** Decides what the nudges come to. Pure: the same documents and time give the same decision. */
export function decide(deciding: Deciding, nudges: readonly Nudge[]): Decision {
  const unread = new Set<DocumentId>();
  const work: Work = {
    deciding,
    queue: nudges.map((nudge) => ranked(deciding, nudge)).sort((a, b) => a.rank - b.rank),
    next: 0,
    queued: new Set(),
    launches: new Map(),
    cancels: new Map(),
    freed: new Set(),
    queuedFor: new Set(),
    moves: [],
  };
  try {
    if (deciding.draft.get("plans/current")?.hash !== deciding.plan.plan.hash) {
      return { kind: "plan-changed" };
    }
  } catch (cause) {
    collect(unread, cause);
  }
  while (work.next < work.queue.length) {
    if (deciding.draft.size() >= deciding.settings.commitDocumentsMax) break;
    if (unread.size >= unreadMax) break;
    try {
      handle(work, work.queue[work.next++]?.nudge);
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
    queuedFor: [...work.queuedFor],
    moves: work.moves,
    rest: work.queue.slice(work.next).map(({ nudge }) => nudge),
  };
}

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
      return lookAtReaders(work, nudge.table, nudge.partition);
    case "backlog":
      return enqueueAll(work, concernsOfBacklog(work.deciding, nudge.table, nudge.partitions));
    case "due":
      return due(work, nudge.step);
    case "step-added":
      for (const range of newestOf(work.deciding, nudge.step)) {
        enqueue(work, taskId(nudge.step, range));
      }
      return;
    case "step-changed":
      for (const range of newestOf(work.deciding, nudge.step)) {
        const id = taskId(nudge.step, range);
        if (work.deciding.draft.get(`tasks/${id}`) === null) enqueue(work, id);
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

function concern(work: Work, id: TaskId): void {
  const { step: stepId, range } = parseTaskId(id);
  const step = work.deciding.plan.step(stepId);
  if (step === undefined) return retire(work, id);
  const { deciding } = work;
  const before = lookingAhead(
    () => deciding.draft.get(`tasks/${id}`),
    () => foreseen(deciding, step, range),
  );
  const after = evaluate(deciding, step, range);
  move(work, before, after);
  if (after === null || !STATUS[after.state.kind].terminal) return;
  for (const pool of releasePassedOn(deciding, after, step)) work.freed.add(pool);
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
  for (const pool of releaseUnread(work.deciding, task)) work.freed.add(pool);
}

function settled(work: Work, event: JobSettled): void {
  const { deciding } = work;
  const before = deciding.draft.get(`tasks/${event.task}`);
  const after = before === null ? null : afterOutcome(deciding, before, event);
  if (after === null) return settledBefore(work, before, event);
  if (after.state.kind === "succeeded") landWhole(deciding, event);
  move(work, before, after);
  enqueue(work, after.id);
}

/** An unpartitioned table holds the day of the last job that wrote it: this one, while it was live. */
function landWhole({ plan, draft }: Deciding, { task, outputs }: JobSettled): void {
  if (plan.step(parseTaskId(task).step)?.verification !== "table") return;
  for (const { table, partition, landing } of outputs) {
    if (landing !== null) rememberLanding(draft, { table, partition, landing });
  }
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

/** Records what comes of a command, once; asking for its tasks may be done again. */
function commanded(work: Work, command: Command): void {
  const { draft } = work.deciding;
  const known = draft.get(`commands/${command.id}`);
  const outcome = known?.outcome ?? outcomeOf(work.deciding, command);
  if (known === null) draft.put(`commands/${command.id}`, { schema: 1, command, outcome });
  if (outcome.kind === "refused") return;
  if (command.kind === "stream-deploy" || command.kind === "stream-stop") {
    if (known === null) askStream(work, command);
    return;
  }
  if (command.kind === "metadata-delete") {
    if (known === null) askRows(work, command);
    return;
  }
  const [only] = outcome.tasks;
  if (outcome.tasks.length === 1 && only !== undefined) return ask(work, only, command);
  for (const task of outcome.tasks) insert(work, { kind: "asked", task, command });
}

function ask(work: Work, id: TaskId, command: Command): void {
  const before = work.deciding.draft.get(`tasks/${id}`);
  const after = asked(work.deciding, id, command);
  if (after === null || after === before) return;
  move(work, before, after);
  if (after.state.kind === "cancelling") work.cancels.set(after.id, after);
  else enqueue(work, id);
}

/** In the commit that takes the command: the stream's keeper finds it there, whoever that is. */
function askStream({ deciding: { draft } }: Work, command: StreamCommand): void {
  const id = `streams/${command.config}` as const;
  const stream = draft.get(id);
  if (stream !== null) draft.put(id, withAsked(stream, command));
}

/** In the same way: whoever has the turn to write metadata finds it there, or loses the turn to it. */
function askRows({ deciding: { draft } }: Work, command: MetadataDelete): void {
  const head = draft.get("metadata/current");
  if (head !== null) draft.put("metadata/current", withAskedRows(head, command));
}

function woken(work: Work, id: TaskId, submitted: string | null): void {
  const task = work.deciding.draft.get(`tasks/${id}`);
  if (task === null) return;
  // Its turn is when writers of its inputs have had theirs.
  if (!isLive(task.state)) return enqueue(work, id);
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
  const wanted = step.strategy === "latest-only" ? days.slice(-1) : days;
  for (const day of wanted) concern(work, taskId(id, single(day)));
  draft.put(`schedules/${id}`, { schema: 1, step: id, cursor: last });
}
