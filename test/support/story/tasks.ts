import { reasonText } from "../../../cli/commands/why.ts";
import { answered } from "../../../cli/state.ts";
import { noLanes } from "../../../core/deciding.ts";
import { explainTask } from "../../../core/explain.ts";
import { turnsOver } from "../../../core/lanes.ts";
import { indexPlan } from "../../../core/plan-index.ts";
import { STATUS } from "../../../core/status.ts";
import type { World } from "../../../ports/world.ts";
import { currentPlan, readPlan } from "../../../releases/stored-plan.ts";
import type { Settings } from "../../../schemas/settings.ts";
import type { Run, Task } from "../../../schemas/tasks.ts";

/** More than a story has. */
const tasksMax = 500;

export function tasksOf({ store }: World): Promise<readonly Task[]> {
  return store.listTasks({ limit: tasksMax });
}

/** Whether a task is on its way, whatever happens outside. */
export function isBusy({ state, queuedFor }: Task): boolean {
  if (STATUS[state.kind].live || state.kind === "retrying") return true;
  return state.kind === "ready" && queuedFor === null;
}

export interface Explained {
  readonly config: string;
  readonly text: string;
}

/** By step, then by day. */
export function inOrder(a: string, b: string): number {
  return a.replace("@", " ") < b.replace("@", " ") ? -1 : 1;
}

/** Each task as `landfall why` explains it now, with all its runs and what the last one read. */
export async function explained(
  { store, configs, clock }: World,
  settings: Settings,
): Promise<ReadonlyMap<string, Explained>> {
  const { body } = await currentPlan(store);
  if (body === null) return new Map();
  const about = {
    plan: indexPlan(await readPlan(configs, body.hash)),
    settings,
    now: clock.now(),
    by: "a story",
    lanes: noLanes,
    turns: turnsOver(new Map()),
  };
  const tasks = await tasksOf({ store } as World);
  const asking = { store, about, known: new Map() };
  const lines = new Map<string, Explained>();
  for (const task of tasks.toSorted((a, b) => inOrder(a.id, b.id))) {
    const reason = await answered(asking, (deciding) => explainTask(deciding, task.id));
    const because = task.state.kind === "waiting" ? reason.because : [];
    const text = reasonText({ ...reason, because }, "  ").trimEnd();
    const whole = [text, ...task.runs.map(runLine), ...readLine(task)].join("\n");
    lines.set(task.id, { config: task.config, text: whole });
  }
  return lines;
}

function runLine({ run, because, attempts }: Run): string {
  const came = attempts.map(({ attempt, outcome, blame, error }) => {
    if (blame === null) return `attempt ${attempt} ${outcome ?? "runs"}`;
    return `attempt ${attempt} failed by the ${blame}: ${error ?? outcome}`;
  });
  return `    run ${run}, ${because}: ${came.join("; ")}`;
}

function readLine({ reads }: Task): string[] {
  const read = Object.entries(reads).flatMap(([table, days]) => {
    const all = Object.keys(days).toSorted();
    const [first, last] = [all.at(0), all.at(-1)];
    if (first === undefined || last === undefined) return [];
    return [first === last ? `${table}@${first}` : `${table}@${first}..${last}`];
  });
  return read.length === 0 ? [] : [`    read ${read.toSorted().join(", ")}`];
}
