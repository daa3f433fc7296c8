import { dayMs, dayOf, partitionEndMs } from "../../core/dates.ts";
import { inputRange } from "../../core/partitions.ts";
import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import { poolLimits } from "../../core/pool-limits.ts";
import { single } from "../../core/readiness.ts";
import {
  type EpochMs,
  type Partition,
  type StepId,
  type TaskId,
  taskId,
} from "../../schemas/ids.ts";
import type { Task, TaskStateKind } from "../../schemas/tasks.ts";
import { isAsked, type Rehearsed } from "./machine.ts";
import type { Arrival } from "./outside.ts";
import { type Stuck, stuckOf } from "./stuck.ts";

/** What `landfall rehearse --json` prints. */
export interface Report {
  /** True when nothing is stuck. */
  readonly ok: boolean;
  readonly from: Partition;
  readonly to: Partition;
  readonly tasks: Readonly<Partial<Record<TaskStateKind, number>>>;
  readonly stuck: readonly Stuck[];
  readonly pools: readonly {
    readonly name: string;
    readonly limit: number;
    readonly peak: number;
  }[];
  readonly pipelines: readonly {
    readonly name: string;
    readonly tasks: number;
    /** Of the day that took longest: tasks that each waited last for the one before. */
    readonly criticalPath: readonly TaskId[];
    /** From the end of that day to the end of its last task. */
    readonly hours: number;
  }[];
  /** How long the rehearsal itself took. */
  readonly wallMs: number;
}

/** From when to when a task ran, all attempts of all runs. */
export interface Span {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** Reports a rehearsal; the moments of critical paths come beside it, for people. */
export async function reportOf(rehearsed: Rehearsed, wallMs: number): Promise<Report> {
  const { range, plan } = rehearsed;
  const asked = rehearsed.tasks.filter((task) => isAsked(rehearsed, task));
  const stuck = await stuckOf(rehearsed);
  const finding: Finding = {
    plan: indexPlan(plan),
    tasks: new Map(rehearsed.tasks.map((task) => [task.id, task])),
    arrivals: new Map(rehearsed.arrivals.map((a) => [`${a.name}@${a.partition}`, a])),
  };
  const byPipeline = new Map<string, Task[]>();
  for (const task of asked) {
    byPipeline.set(task.pipeline, [...(byPipeline.get(task.pipeline) ?? []), task]);
  }
  return {
    ok: stuck.length === 0,
    from: range.start,
    to: range.end,
    tasks: statesOf(asked),
    stuck,
    pools: poolsOf(rehearsed),
    pipelines: plan.pipelines.flatMap(({ name }) => {
      const tasks = byPipeline.get(name) ?? [];
      if (tasks.length === 0) return [];
      return [{ name, tasks: tasks.length, ...slowestDay(finding, tasks) }];
    }),
    wallMs,
  };
}

function statesOf(tasks: readonly Task[]): Report["tasks"] {
  const counts: Partial<Record<TaskStateKind, number>> = {};
  for (const { state } of tasks) counts[state.kind] = (counts[state.kind] ?? 0) + 1;
  return counts;
}

/** Null for a task that no job did. */
export function spanOf({ runs }: Task): Span | null {
  const attempts = runs.flatMap((run) => run.attempts);
  const [first] = attempts;
  const to = attempts.at(-1)?.endedAt ?? null;
  return first === undefined || to === null ? null : { from: first.claimedAt, to };
}

interface Finding {
  readonly plan: PlanIndex;
  readonly tasks: ReadonlyMap<TaskId, Task>;
  readonly arrivals: ReadonlyMap<string, Arrival>;
}

function slowestDay(
  finding: Finding,
  tasks: readonly Task[],
): { readonly criticalPath: TaskId[]; readonly hours: number } {
  let slowest: { readonly task: Task; readonly tookMs: number } | null = null;
  for (const task of tasks) {
    const span = spanOf(task);
    if (span === null) continue;
    const tookMs = span.to - partitionEndMs(task.end);
    if (slowest === null || tookMs > slowest.tookMs) slowest = { task, tookMs };
  }
  if (slowest === null) return { criticalPath: [], hours: 0 };
  const hours = Math.round(slowest.tookMs / 36_000) / 100;
  return { criticalPath: pathTo(finding, slowest.task), hours };
}

/** The tasks that a task waited for, one after the other, the last of each's inputs. */
function pathTo(finding: Finding, last: Task): TaskId[] {
  const path: TaskId[] = [];
  for (let task: Task | null = last; task !== null && !path.includes(task.id); ) {
    path.unshift(task.id);
    task = waitedFor(finding, task);
  }
  return path;
}

/** The task whose end a task waited for last; null when it waited for data from outside. */
function waitedFor({ plan, tasks, arrivals }: Finding, task: Task): Task | null {
  const step = plan.step(task.step);
  if (step === undefined) return null;
  const range = single(task.end);
  let found: { readonly at: EpochMs; readonly task: Task | null } | null = null;
  const consider = (at: EpochMs | undefined, other: Task | null) => {
    if (at !== undefined && (found === null || at > found.at)) found = { at, task: other };
  };
  for (const id of step.after) considerTask(tasks.get(taskId(id, range)));
  for (const input of step.inputs) {
    const day = inputRange(range, input)?.end;
    if (day === undefined) continue;
    const producer = plan.producerOf(input.table);
    if (producer !== undefined) considerTask(tasks.get(taskId(producer.id, single(day))));
    else consider(arrivals.get(`${input.table}@${day}`)?.at, null);
  }
  return (found as { readonly task: Task | null } | null)?.task ?? null;

  function considerTask(other: Task | undefined): void {
    if (other !== undefined) consider(spanOf(other)?.to, other);
  }
}

/** How many slots of each pool that steps of the plan need were held at once at most. */
function poolsOf({ plan, settings, tasks }: Rehearsed): Report["pools"] {
  const limits = new Map<string, number>();
  const needed = new Map<StepId, readonly string[]>();
  for (const step of plan.steps) {
    const own = poolLimits(settings, step);
    needed.set(
      step.id,
      own.map(({ pool }) => pool),
    );
    for (const { pool, limit } of own) limits.set(pool, limit);
  }
  const named = [...limits].sort(([a], [b]) => (a < b ? -1 : 1));
  return named.map(([name, limit]) => {
    const changes = tasks
      .filter(({ step }) => needed.get(step)?.includes(name) === true)
      .flatMap(({ runs }) => runs.flatMap(({ attempts }) => attempts))
      .flatMap(({ claimedAt, endedAt }) => [
        { at: claimedAt, by: 1 },
        ...(endedAt === null ? [] : [{ at: endedAt, by: -1 }]),
      ])
      .sort((a, b) => a.at - b.at || a.by - b.by);
    let [held, peak] = [0, 0];
    for (const { by } of changes) {
      held += by;
      peak = Math.max(peak, held);
    }
    return { name, limit, peak };
  });
}

/** How many days after its own a moment is, for people: `+1 d 02:15`. */
export function sinceDay(day: Partition, at: EpochMs): string {
  const ms = at - dayOf(day) * dayMs;
  const days = Math.floor(ms / dayMs);
  return `+${days} d ${new Date(at).toISOString().slice(11, 16)}`;
}
