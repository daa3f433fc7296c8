import type { DocumentId } from "../schemas/documents.ts";
import type { JobUsage } from "../schemas/events.ts";
import {
  type Partition,
  parseTaskId,
  type TableName,
  type TaskId,
  taskId,
} from "../schemas/ids.ts";
import type { Landing } from "../schemas/landings.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { closedness, closingOf } from "./closing.ts";
import { addDays, partitionEndMs } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { landingOf, landingsIds } from "./landings.ts";
import { isLanePool } from "./lanes.ts";
import { outputRange } from "./partitions.ts";
import { limitOf } from "./pool-limits.ts";
import { type Reads, readiness, single } from "./readiness.ts";
import { isBeforeStart } from "./schedule.ts";
import { usageText } from "./usage.ts";

/** One line of an answer and what stands behind it. */
export interface Reason {
  readonly what: string;
  readonly is: string;
  readonly because: readonly Reason[];
  /** Of an attempt: what it used, as it was counted. */
  readonly usage?: JobUsage;
}

/** How deep an answer follows writers of what is missing. */
const depthMax = 8;

/** Why a task is as it is: its state, and for what is missing, who would write it. Throws `Unread`. */
export function explainTask(deciding: Deciding, id: TaskId, depth = 0): Reason {
  const { step: stepId, range } = parseTaskId(id);
  const task = deciding.draft.get(`tasks/${id}`);
  const step = deciding.plan.step(stepId);
  if (step === undefined) {
    return {
      what: id,
      is: task === null ? "unknown: no such step in the plan" : task.why,
      because: [],
    };
  }
  if (task !== null && task.state.kind !== "waiting") {
    const because = [...poolReasons(deciding, task), ...attemptReasons(task)];
    return { what: id, is: stateText(task), because };
  }
  if (task === null && step.schedule === null) {
    return { what: id, is: "runs only on command", because: [] };
  }
  if (task === null && isBeforeStart(step, range)) {
    const is = `not begun: its team's dag_start_date is ${step.from}; landfall backfill starts it`;
    return { what: id, is, because: [] };
  }
  const verdict = readiness(deciding, step, range);
  if (verdict.kind === "met") {
    const is = task?.why ?? notYetBorn(step, verdict.reads);
    return {
      what: id,
      is,
      because: verdict.remarks.map((r) => ({ what: r, is: "fine", because: [] })),
    };
  }
  return {
    what: id,
    is: task === null ? "not begun" : "waiting",
    because: verdict.missing.map(({ what, because }) =>
      missingReason(deciding, { what, because, depth }),
    ),
  };
}

const namedMax = 5;

/** Who holds the slots that a task waits for one of. */
function poolReasons(deciding: Deciding, { state, queuedFor }: Task): Reason[] {
  if (state.kind !== "ready" || queuedFor === null || isLanePool(queuedFor)) return [];
  const pool = deciding.draft.get(`pools/${queuedFor}`);
  const holders = Object.keys(pool?.holders ?? {});
  const limit = limitOf(deciding.settings, queuedFor, (step) => deciding.plan.step(step));
  const held = holders.length === 0 ? "" : ` by ${someOf(holders)}`;
  return [
    {
      what: `pool ${queuedFor}`,
      is: `${holders.length} of ${limit} slots are held${held}`,
      because: [],
    },
  ];
}

/** The answer for a task with who is before it in the queue of the pool or lane it waits for. */
export function withQueue(reason: Reason, pool: string, queue: readonly TaskId[]): Reason {
  const place = queue.indexOf(reason.what);
  const ahead = place === -1 ? queue : queue.slice(0, place);
  const is = ahead.length === 0 ? "it is the next" : `${ahead.length} before it: ${someOf(ahead)}`;
  const queued: Reason = { what: `queue of ${pool}`, is, because: [] };
  return { ...reason, because: [...reason.because, queued] };
}

function someOf(names: readonly string[]): string {
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function stateText({ state, why }: Task): string {
  return why.startsWith(state.kind) ? why : `${state.kind}: ${why}`;
}

/** Why there is no task on a day before or after all that a step's sources name. */
export const cutOffText =
  "not begun: on this day it would read nothing, the start or end its sources name cuts it off";

function notYetBorn(step: PlanStep, reads: Reads): string {
  const readsNothing = Object.values(reads).every((days) => Object.keys(days).length === 0);
  return readsNothing && step.inputs.length > 0
    ? cutOffText
    : "not begun: its inputs were complete before Landfall looked; landfall backfill starts it";
}

function attemptReasons(task: Task): Reason[] {
  const run = task.runs.at(-1);
  return (run?.attempts ?? []).map((attempt) => {
    const { usage, outcome, error } = attempt;
    const used = usage === undefined ? null : usageText(usage);
    const came = outcome === null ? "not ended" : (error ?? outcome);
    return {
      what: `run ${run?.run} attempt ${attempt.attempt}`,
      is: used === null ? came : `${came}; used ${used}`,
      because: [],
      ...(usage === undefined ? {} : { usage }),
    };
  });
}

function missingReason(
  deciding: Deciding,
  { what, because, depth }: { what: string; because: string; depth: number },
): Reason {
  const deeper = depth < depthMax ? writerReasons(deciding, what, depth) : [];
  return { what, is: because, because: deeper };
}

/** Who writes a missing partition (or is the missing task), explained in turn. */
function writerReasons(deciding: Deciding, what: string, depth: number): Reason[] {
  const at = what.lastIndexOf("@");
  const name = what.slice(0, at);
  const day = what.slice(at + 1);
  if (deciding.plan.step(name) !== undefined) return [explainTask(deciding, what, depth + 1)];
  const producer = deciding.plan.producerOf(name);
  if (producer === undefined) return [];
  return [explainTask(deciding, taskId(producer.id, single(day)), depth + 1)];
}

/** What is known of a partition, who writes it and who waits for it. Throws `Unread`. */
export function explainPartition(
  deciding: Deciding,
  table: TableName,
  partition: Partition,
): Reason {
  const known = deciding.plan.tables.get(table);
  if (known === undefined) {
    return {
      what: `${table}@${partition}`,
      is: "unknown: the plan has no such step, and no step that reads or writes such a table",
      because: [],
    };
  }
  const ids: readonly DocumentId[] = landingsIds(table, {
    start: partition,
    end: addDays(partition, 1),
  });
  deciding.draft.need(ids);
  const producer = deciding.plan.producerOf(table);
  const writer =
    producer === undefined ? [] : [explainTask(deciding, taskId(producer.id, single(partition)))];
  const readers = deciding.plan.readersOf(table).flatMap(({ step, input }) => {
    const outputs = outputRange(single(partition), input);
    return outputs === null ? [] : [explainTask(deciding, taskId(step.id, single(outputs.start)))];
  });
  const landing = landingOf(deciding.draft, table, partition);
  return {
    what: `${table}@${partition}`,
    is: landing === null ? "has not landed" : landingText(deciding, { known, partition, landing }),
    because: [...writer, ...readers],
  };
}

function landingText(
  deciding: Deciding,
  asked: {
    known: { name: TableName; external: boolean };
    partition: Partition;
    landing: Landing;
  },
): string {
  const { known, partition, landing } = asked;
  const { epoch, n } = landing.version;
  const rows = landing.rows === undefined ? "" : `, ${landing.rows} rows`;
  if (landing.state === "gone") return `gone at version ${epoch}.${n}`;
  const closed = closedness({
    closing: closingOf(deciding.settings, known),
    partition,
    landing,
    nextHasData: () => landingOf(deciding.draft, known.name, addDays(partition, 1)) !== null,
    now: deciding.now,
  });
  const early = landing.at < partitionEndMs(partition) ? ", before its day was over" : "";
  const state = closed.kind === "closed" ? "closed" : `open: ${closed.because}`;
  return `landed at version ${epoch}.${n}${rows}${early}; ${state}`;
}
