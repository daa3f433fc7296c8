import type { TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { PoolDocument, Task } from "../schemas/tasks.ts";
import type { Deciding } from "./deciding.ts";
import { type PoolLimit, poolLimits } from "./pool-limits.ts";
import { isBeforeStart } from "./schedule.ts";
import { STATUS } from "./status.ts";

/** A limited thing a job needs while it runs. */
export interface Slot extends PoolLimit {
  /** The task in whose name it is held. */
  readonly holder: TaskId;
}

/**
 * The slots a step's job needs: those of its pools; and for a step that rewrites an
 * unpartitioned table, that table, held in its name until the next step has read it: the following
 * day's upload must not replace what upload-to-kv loads.
 */
export function slotsOf(
  deciding: Deciding,
  step: PlanStep,
  task: Pick<Task, "id" | "start" | "end">,
): Slot[] {
  const limits = poolLimits(deciding.settings, step);
  const slots: Slot[] = limits.map((limit) => ({ ...limit, holder: task.id }));
  for (const writer of [step, ...step.after.map((id) => deciding.plan.step(id))]) {
    if (writer?.effect !== "rewrites-table") continue;
    slots.push({ pool: tablePool(writer), limit: 1, holder: taskId(writer.id, task) });
  }
  return slots;
}

function tablePool(step: PlanStep): string {
  return `${tablePrefix}${step.output ?? step.id}`;
}

const tablePrefix = "table:";

/** The first pool that has no room for a task, or null when all have (I6). */
export function fullPool(deciding: Deciding, slots: readonly Slot[]): Slot | null {
  deciding.draft.need(slots.map(({ pool }) => `pools/${pool}` as const));
  const full = slots.find(({ pool, limit, holder }) => {
    const holders = deciding.draft.get(`pools/${pool}`)?.holders ?? {};
    return !Object.hasOwn(holders, holder) && Object.keys(holders).length >= limit;
  });
  return full ?? null;
}

export function takeSlots(deciding: Deciding, slots: readonly Slot[], jobId: string): void {
  for (const { pool, limit, holder } of slots) {
    const document = deciding.draft.get(`pools/${pool}`);
    const holders = { ...document?.holders, [holder]: jobId };
    deciding.draft.put(`pools/${pool}`, { schema: 1, name: pool, limit, holders });
  }
}

/**
 * Gives back what a task no longer needs; answers the pools that have room again. An upload's hold
 * on its unpartitioned table passes on until upload-to-kv of the same day has ended.
 */
export function releaseSlots(deciding: Deciding, task: Task, step: PlanStep | undefined): string[] {
  const freed: string[] = [];
  if (step === undefined) return releaseJobs(deciding, task);
  for (const pool of task.held?.pools ?? []) {
    if (pool === tablePool(step) && stillNeeded(deciding, task, step)) {
      continue;
    }
    if (release(deciding, pool, task.id)) freed.push(pool);
  }
  return [...freed, ...releasePassedOn(deciding, task, step)];
}

/**
 * Frees the unpartitioned tables whose holds a task was the last to need: it has ended, or its upload
 * is to run again first, and takes the table anew. Answers the pools that have room again; doing it
 * again does nothing.
 */
export function releasePassedOn(
  deciding: Deciding,
  task: Task,
  step: PlanStep | undefined,
): string[] {
  return (step?.after ?? []).flatMap((before) => {
    const upstream = deciding.plan.step(before);
    if (upstream?.effect !== "rewrites-table") return [];
    const holder = taskId(before, parseTaskId(task.id).range);
    const state = deciding.draft.get(`tasks/${holder}`)?.state.kind;
    if (state !== undefined && STATUS[state].live) return [];
    if (state === "succeeded" && !STATUS[task.state.kind].terminal) return [];
    return releaseTables(deciding, holder);
  });
}

/** What a task took of unpartitioned tables: by another name, maybe, than the plan has for its output now. */
function releaseTables(deciding: Deciding, holder: TaskId): string[] {
  const held = deciding.draft.get(`tasks/${holder}`)?.held?.pools ?? [];
  return held.filter((pool) => pool.startsWith(tablePrefix) && release(deciding, pool, holder));
}

/**
 * Frees the unpartitioned table that the upload of a task's config and day holds for it: the task's
 * step has left the plan, so it will not read it. Answers the pools that have room again.
 */
export function releaseUnread(deciding: Deciding, { config, start, end }: Task): string[] {
  const upload = taskId(`${config}/upload`, { start, end });
  const task = deciding.draft.get(`tasks/${upload}`);
  if (task === null || STATUS[task.state.kind].live) return [];
  return releaseTables(deciding, upload);
}

/**
 * Whether what an upload wrote is being read, or still to be read by a step that has not ended. One that
 * runs by itself for no such day will not read it unasked, and who asks for it takes the table anew.
 */
function stillNeeded(deciding: Deciding, task: Task, step: PlanStep): boolean {
  return deciding.plan.followers(step.id).some((follower) => {
    const state = deciding.draft.get(`tasks/${taskId(follower.id, task)}`)?.state.kind;
    if (state !== undefined && STATUS[state].live) return true;
    const comes = follower.schedule !== null && !isBeforeStart(follower, task);
    return task.state.kind === "succeeded" && (state !== undefined || comes);
  });
}

/** What the last job of a task held, in whose name ever: its step has left the plan. */
function releaseJobs(deciding: Deciding, task: Task): string[] {
  const last = task.runs.at(-1)?.attempts.at(-1)?.jobId;
  return (task.held?.pools ?? []).filter((pool) => {
    const holders = Object.entries(deciding.draft.get(`pools/${pool}`)?.holders ?? {});
    return holders.some(([holder, job]) => job === last && release(deciding, pool, holder));
  });
}

function release(deciding: Deciding, pool: string, task: TaskId): boolean {
  const document: PoolDocument | null = deciding.draft.get(`pools/${pool}`);
  if (document === null || !Object.hasOwn(document.holders, task)) return false;
  const { [task]: _, ...holders } = document.holders;
  deciding.draft.put(`pools/${pool}`, { ...document, holders });
  return true;
}
