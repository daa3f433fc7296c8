import type { DocumentId } from "../schemas/documents.ts";
import type { EpochMs, Partition } from "../schemas/ids.ts";
import { taskId } from "../schemas/ids.ts";
import type { Version } from "../schemas/landings.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Attempt, Run, Task, TaskState } from "../schemas/tasks.ts";
import { liveContained, takeOutput } from "./cover.ts";
import { daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { sha256Hex } from "./hash.ts";
import { landingOf, landingsId, landingsIds } from "./landings.ts";
import { lanePool, nextTurn, takeTurn } from "./lanes.ts";
import { policyOf } from "./policy.ts";
import { fullPool, slotsOf, takeSlots } from "./pools.ts";
import type { Reads } from "./readiness.ts";
import { STATUS } from "./status.ts";

const runsKept = 10;

/** What a claim stands on. */
export interface Claiming {
  readonly step: PlanStep;
  readonly reads: Reads;
  /** Why there is a new run; null: the task's last run goes on with its next attempt. */
  readonly because: string | null;
}

/**
 * Claims a task whose inputs are complete: `launching` with an attempt of its own when every pool
 * has room and nobody else writes its output, else `ready` in the queue.
 *
 * A task for one partition claims by its own document; a range task also by `writers` of its
 * output's landings. Either reads what the other writes, so of two claims that overlap one fails
 * its checks (I2).
 */
export function claim(deciding: Deciding, task: Task, claiming: Claiming): Task {
  const { step, because } = claiming;
  const slots = slotsOf(deciding, step, task);
  const full = fullPool(deciding, slots);
  if (full !== null) {
    return queued(deciding, task, {
      because,
      pool: full.pool,
      why: `inputs complete; waits for one of ${full.limit} slots of pool ${full.pool}`,
    });
  }
  const other =
    otherWriter(deciding, task, step) ??
    liveContained(deciding, task) ??
    liveReader(deciding, task, step);
  if (other !== null) {
    const why = `waits for ${other}, which is using its output`;
    return queued(deciding, task, { because, pool: null, why });
  }
  const turn = nextTurn(deciding, step);
  if (turn.kind === "later") {
    const { name, perMinute } = turn.lane;
    return queued(deciding, task, {
      because,
      pool: lanePool(turn.lane),
      why: `inputs complete; waits for its turn: ${name} takes ${perMinute} submissions a minute`,
    });
  }
  const held = { pools: slots.map(({ pool }) => pool), output: step.output ?? null };
  const claimed = { ...launching(deciding, task, { ...claiming, at: turn.at }), held };
  takeOutput(deciding, claimed, step);
  takeTurn(deciding, step, turn.at);
  takeSlots(deciding, slots, jobIdOf(claimed));
  return claimed;
}

/** A range task that is writing a partition this task would write. */
function otherWriter(deciding: Deciding, task: Task, step: PlanStep): string | null {
  if (step.output === undefined) return null;
  deciding.draft.need(landingsIds(step.output, task));
  for (const day of daysIn(task)) {
    const writers = deciding.draft.get(landingsId(step.output, day))?.writers ?? {};
    const other = Object.entries(writers).find(
      ([id, { start, end }]) => id !== task.id && start <= day && day <= end,
    );
    if (other !== undefined) return other[0];
  }
  return null;
}

/** Upload-to-kv that is loading the table this task would replace. */
function liveReader(deciding: Deciding, task: Task, step: PlanStep): string | null {
  if (step.effect !== "rewrites-table") return null;
  const readers = deciding.plan.followers(step.id).map(({ id }) => taskId(id, task));
  const live = readers.find((id) => {
    const state = deciding.draft.get(`tasks/${id}`)?.state.kind;
    return state !== undefined && STATUS[state].live;
  });
  return live ?? null;
}

function queued(
  deciding: Deciding,
  task: Task,
  { because, pool, why }: { because: string | null; pool: string | null; why: string },
): Task {
  const since = task.state.kind === "ready" ? task.state.since : deciding.now;
  const { headStartMs } = policyOf(deciding.settings, task);
  return {
    ...task,
    state: { kind: "ready", since, because, ...(headStartMs === 0 ? {} : { headStartMs }) },
    why,
    wakeAt: deciding.now + (pool === null ? queueCheckMs : hoursAheadMs),
    queuedFor: pool,
  };
}

const queueCheckMs = 60_000;

/** Nothing sleeps longer than this without being looked at again. */
export const hoursAheadMs = 6 * 3_600_000;

function launching(
  deciding: Deciding,
  task: Task,
  claiming: Claiming & { readonly at: EpochMs },
): Task {
  const { now, settings } = deciding;
  const submitBy = claiming.at + settings.submitWithinMs;
  const last = task.runs.at(-1);
  const run: Run =
    claiming.because === null && last !== undefined
      ? last
      : { run: (last?.run ?? 0) + 1, because: claiming.because ?? "", at: now, attempts: [] };
  const attempt = (run.attempts.at(-1)?.attempt ?? 0) + 1;
  const jobId = jobIdFor(deciding, task, { run: run.run, attempt });
  const begun: Attempt = {
    attempt,
    jobId,
    claimedAt: now,
    startedAt: null,
    endedAt: null,
    outcome: null,
    blame: null,
    error: null,
    log: null,
  };
  const runs = run === last ? task.runs.slice(0, -1) : task.runs;
  return {
    ...task,
    state: {
      kind: "launching",
      run: run.run,
      attempt,
      jobId,
      by: deciding.by,
      ...(claiming.at > now ? { notBefore: claiming.at } : {}),
      submitBy,
    },
    why: `attempt ${attempt} of run ${run.run} is being submitted`,
    wakeAt: submitBy,
    queuedFor: null,
    runs: [...runs, { ...run, attempts: [...run.attempts, begun] }].slice(-runsKept),
    reads: claiming.reads,
    ...(claiming.step.verification === "metadata-row" ? { conf: claiming.step.conf.hash } : {}),
    before:
      run === last && claiming.step.effect === "fills"
        ? task.before
        : outputsNow(deciding, task, claiming.step),
  };
}

function outputsNow(
  deciding: Deciding,
  task: Task,
  step: PlanStep,
): Record<Partition, Version | null> {
  const { output } = step;
  if (output === undefined) return {};
  if (step.verification === "table") {
    const newest = deciding.draft.get(`tables/${output}`)?.newest ?? null;
    return Object.fromEntries(daysIn(task).map((day) => [day, newest]));
  }
  const ids: readonly DocumentId[] = landingsIds(output, task);
  deciding.draft.need(ids);
  return Object.fromEntries(
    daysIn(task).map((day) => [day, landingOf(deciding.draft, output, day)?.version ?? null]),
  );
}

/**
 * The same attempt is always the same job (I3), and no later life of a task meets an old one: the
 * id is a hash of the deployment, the task and when it was born, the run and the attempt.
 */
function jobIdFor(
  deciding: Deciding,
  task: Task,
  { run, attempt }: { run: number; attempt: number },
): string {
  const text = [deciding.settings.deployment, task.id, task.bornAt, run, attempt].join("\n");
  return `landfall-${sha256Hex(text).slice(0, 40)}`;
}

function jobIdOf(task: Task): string {
  const state: TaskState = task.state;
  return state.kind === "launching" ? state.jobId : "";
}

/** When a cancelled or unanswered thing is asked for again. */
export function askAgainAt(now: EpochMs): EpochMs {
  return now + queueCheckMs;
}
