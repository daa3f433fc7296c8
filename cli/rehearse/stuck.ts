import { daysIn } from "../../core/dates.ts";
import { type Deciding, noLanes } from "../../core/deciding.ts";
import { cutOffText, explainTask, type Reason } from "../../core/explain.ts";
import { turnsOver } from "../../core/lanes.ts";
import { indexPlan } from "../../core/plan-index.ts";
import { readiness, single } from "../../core/readiness.ts";
import { type TaskId, taskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Task, TaskStateKind } from "../../schemas/tasks.ts";
import { answered } from "../state.ts";
import { isAsked, type Rehearsed } from "./machine.ts";

/** A task that nothing but a person will move, or that never began. */
export interface Stuck {
  readonly task: TaskId;
  /** What is at the bottom of it. */
  readonly why: string;
}

const settled: ReadonlySet<TaskStateKind> = new Set(["succeeded", "skipped", "covered"]);
const rootsTold = 3;

/** Every task of the rehearsed days that did not end well, and every one that never began. */
export async function stuckOf(rehearsed: Rehearsed): Promise<Stuck[]> {
  const { plan, settings, range, store, endedAt } = rehearsed;
  const about = {
    plan: indexPlan(plan),
    settings,
    now: endedAt,
    by: "rehearsal",
    lanes: noLanes,
    turns: turnsOver(new Map()),
  };
  const asking = { store, about, known: new Map() };
  const tasks = new Map<TaskId, Task>(
    rehearsed.tasks.filter((t) => isAsked(rehearsed, t)).map((task) => [task.id, task]),
  );
  const stuck: Stuck[] = [];
  for (const step of plan.steps.filter(({ schedule }) => schedule !== null)) {
    for (const day of daysIn(range)) {
      const id = taskId(step.id, single(day));
      const state = tasks.get(id)?.state.kind ?? null;
      if (state !== null && settled.has(state)) continue;
      const why = await answered(asking, (deciding) =>
        state === null && !isHeldUp(deciding, step, day)
          ? null
          : rootOf(explainTask(deciding, id), id),
      );
      if (why !== null) stuck.push({ task: id, why });
    }
  }
  return stuck;
}

/** False for a day on which the step reads nothing: no task is expected of it. */
function isHeldUp(deciding: Deciding, step: PlanStep, day: string): boolean {
  return readiness(deciding, step, single(day)).kind === "unmet";
}

/**
 * What an explanation ends in: the first things that nobody in the plan is about to bring. Null when
 * it all comes from a day on which something reads nothing: nothing is expected of it then.
 */
function rootOf(reason: Reason, task: TaskId): string | null {
  const expected = leaves(reason).filter((leaf) => !leaf.endsWith(cutOffText));
  if (expected.length === 0) return null;
  const own = `${task}: `;
  const roots = [...new Set(expected.map((leaf) => leaf.replace(own, "")))];
  const more = roots.length > rootsTold ? `, and ${roots.length - rootsTold} more` : "";
  return `${roots.slice(0, rootsTold).join("; ")}${more}`;
}

function leaves({ what, is, because }: Reason): string[] {
  if (because.length === 0 || /^(failed|cancelled)/.test(is)) return [`${what}: ${is}`];
  return because.flatMap(leaves);
}
