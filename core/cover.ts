import type { DocumentId } from "../schemas/documents.ts";
import type { PartitionRange, TableName, TaskId } from "../schemas/ids.ts";
import { taskId } from "../schemas/ids.ts";
import type { LandingsDocument } from "../schemas/landings.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task, TaskState } from "../schemas/tasks.ts";
import { daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { emptyLandings, landingsIds } from "./landings.ts";
import { single } from "./readiness.ts";
import { STATUS } from "./status.ts";

/** Whether a task does more than one partition. */
export function isRange(task: PartitionRange): boolean {
  return task.start !== task.end;
}

/** The tasks for single partitions of a range task's step, where there are any. */
export function containedTasks(deciding: Deciding, task: Task): Task[] {
  const ids = daysIn(task).map((day): DocumentId => `tasks/${taskId(task.step, single(day))}`);
  deciding.draft.need(ids);
  return ids.flatMap((id) => {
    const contained = deciding.draft.get(id) as Task | null;
    return contained === null ? [] : [contained];
  });
}

/** A contained task whose job is running: two jobs would overwrite one output (I2). */
export function liveContained(deciding: Deciding, task: Task): TaskId | null {
  if (!isRange(task)) return null;
  return containedTasks(deciding, task).find(({ state }) => STATUS[state.kind].live)?.id ?? null;
}

/**
 * Writes a range task's claim into the landings of its output, where tasks for single partitions
 * and other ranges see it, and covers the tasks it contains that have not begun.
 */
export function takeOutput(deciding: Deciding, task: Task, step: PlanStep): void {
  if (!isRange(task)) return;
  const { start, end } = task;
  changeWriters(deciding, { task, output: step.output ?? null }, (writers) => ({
    ...writers,
    [task.id]: { start, end },
  }));
  for (const contained of containedTasks(deciding, task)) {
    const { kind } = contained.state;
    if (STATUS[kind].terminal || STATUS[kind].live) continue;
    deciding.draft.put(`tasks/${contained.id}`, {
      ...contained,
      state: { kind: "covered", by: task.id, ...reasonOf(contained.state) },
      why: `covered by ${task.id}`,
      wakeAt: null,
      queuedFor: null,
    });
  }
}

/** Why a task runs that has not begun: it may come back from the range that covers it. */
function reasonOf(state: TaskState): { readonly because?: string | null } {
  if (state.kind === "retrying") return { because: null };
  const known = state.kind === "waiting" || state.kind === "ready" || state.kind === "covered";
  return known && state.because !== undefined ? { because: state.because } : {};
}

/**
 * Gives a range task's output back and uncovers the tasks it covered. Answers the tasks that are to
 * be looked at again: those, and those that were queued behind it.
 */
export function releaseOutput(deciding: Deciding, task: Task, output: TableName | null): TaskId[] {
  if (!isRange(task)) return [];
  changeWriters(deciding, { task, output }, (writers) => {
    const { [task.id]: _, ...others } = writers;
    return others;
  });
  return containedTasks(deciding, task).flatMap((contained) => {
    if (contained.state.kind === "ready") return [contained.id];
    if (contained.state.kind !== "covered" || contained.state.by !== task.id) return [];
    deciding.draft.put(`tasks/${contained.id}`, uncovered(deciding, task, contained));
    return [contained.id];
  });
}

/** What the range did counts as the run of the tasks it covered. */
function uncovered(deciding: Deciding, task: Task, contained: Task): Task {
  const last = task.runs.at(-1);
  if (task.state.kind === "succeeded" && last !== undefined) {
    const remark = `by ${task.id}`;
    const run = (contained.runs.at(-1)?.run ?? 0) + 1;
    return {
      ...contained,
      state: { kind: "succeeded", run, at: deciding.now, remark },
      why: `done ${remark}`,
      reads: task.reads,
      runs: [...contained.runs, { ...last, run, because: remark }].slice(-10),
    };
  }
  return {
    ...contained,
    state: { kind: "waiting", ...reasonOf(contained.state) },
    why: `${task.id} did not do it`,
    wakeAt: deciding.now,
  };
}

type Writers = LandingsDocument["writers"];

function changeWriters(
  deciding: Deciding,
  { task, output }: { task: Task; output: TableName | null },
  change: (writers: Writers) => Writers,
): void {
  if (output === null) return;
  const ids = landingsIds(output, task);
  deciding.draft.need(ids);
  for (const id of ids) {
    const month = id.slice(id.lastIndexOf("@") + 1);
    const document = deciding.draft.get(id) ?? emptyLandings(output, `${month}-01`);
    deciding.draft.put(id, { ...document, writers: change(document.writers) });
  }
}
