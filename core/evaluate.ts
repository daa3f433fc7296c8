import type { EpochMs, PartitionRange } from "../schemas/ids.ts";
import { type TaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { askAgainAt, claim, hoursAheadMs } from "./claim.ts";
import { isAskedFor, isCommanded } from "./commanded.ts";
import type { Deciding } from "./deciding.ts";
import { giveUpAt } from "./given-up.ts";
import { policyOf } from "./policy.ts";
import { readiness, type Verdict } from "./readiness.ts";
import { relanding } from "./relanding.ts";
import { earliestLaunch, isBeforeStart } from "./schedule.ts";
import { firstBecause, isLive, retiredBecause } from "./status.ts";
import { supersededBy } from "./supersede.ts";
import { isTooOldToServe } from "./too-old.ts";

type Met = Extract<Verdict, { kind: "met" }>;
type Unmet = Extract<Verdict, { kind: "unmet" }>;

/**
 * The task for a step's range as it should be now; null when there is none and none is due.
 * The same object when nothing changes. Doing it again with the same documents changes nothing.
 */
export function evaluate(deciding: Deciding, step: PlanStep, range: PartitionRange): Task | null {
  const task = deciding.draft.get(`tasks/${taskId(step.id, range)}`);
  if (task === null) return born(deciding, step, range);
  switch (task.state.kind) {
    case "waiting": {
      const { because = firstBecause } = task.state;
      return goOn(deciding, { task, step, because });
    }
    case "ready":
      return goOn(deciding, { task, step, because: task.state.because });
    case "retrying":
      return task.state.notBefore > deciding.now
        ? task
        : goOn(deciding, { task, step, because: null });
    case "launching":
    case "running":
    case "cancelling":
    case "covered":
      return task;
    case "skipped":
      return task.state.because === retiredBecause
        ? goOn(deciding, { task, step, because: firstBecause })
        : again(deciding, task, step);
    case "succeeded":
    case "failed":
    case "cancelled":
      return again(deciding, task, step);
  }
}

/** What became of a live task whose `wakeAt` has passed. */
export function wake(deciding: Deciding, task: Task, submitted: string | null): Task {
  const { now } = deciding;
  const { state } = task;
  if (!isLive(state)) return task;
  const { timeoutMs } = policyOf(deciding.settings, task);
  switch (state.kind) {
    case "launching": {
      if (submitted !== state.jobId) {
        if (now < state.submitBy) return task;
        const isRetired = deciding.plan.step(task.step) === undefined;
        return isRetired
          ? cancelling(deciding, task, {
              reason: "retired",
              why: `being cancelled: ${retiredBecause}`,
            })
          : { ...task, ...claimedAgain(deciding, state) };
      }
      const claimedAt = task.runs.at(-1)?.attempts.at(-1)?.claimedAt ?? now;
      const timeoutAt = claimedAt + timeoutMs;
      const why = `attempt ${state.attempt} of run ${state.run} is running`;
      const { run, attempt, jobId } = state;
      return {
        ...task,
        state: { kind: "running", run, attempt, jobId, timeoutAt },
        why,
        wakeAt: timeoutAt,
      };
    }
    case "running": {
      if (now < state.timeoutAt) return task;
      const why = `ran longer than ${timeoutMs / 3_600_000} h; its job is being cancelled`;
      return cancelling(deciding, task, { reason: "timed-out", why });
    }
    case "cancelling":
      return now < (task.wakeAt ?? 0) ? task : { ...task, wakeAt: askAgainAt(now) };
  }
}

type Cancelling = Extract<Task["state"], { kind: "cancelling" }>;

/** A live task whose job is to end. */
export function cancelling(
  { now }: Deciding,
  task: Task,
  { reason, why }: Pick<Cancelling, "reason"> & Pick<Task, "why">,
): Task {
  if (!isLive(task.state)) return task;
  const { run, attempt, jobId } = task.state;
  const state: Cancelling = { kind: "cancelling", run, attempt, jobId, reason, since: now };
  return { ...task, state, why, wakeAt: askAgainAt(now), queuedFor: null };
}

function claimedAgain(
  { by, now, settings }: Deciding,
  state: Extract<Task["state"], { kind: "launching" }>,
): Pick<Task, "state" | "wakeAt"> {
  const submitBy = now + settings.submitWithinMs;
  const { notBefore: _, ...claimed } = state;
  return { state: { ...claimed, by, submitBy }, wakeAt: submitBy };
}

/** A task is born of its first fact: when some input of it has landed, or all it needs is there. */
function born(deciding: Deciding, step: PlanStep, range: PartitionRange): Task | null {
  if (step.schedule === null || isBeforeStart(step, range)) return null;
  const verdict = readiness(deciding, step, range);
  const task = unborn(deciding, step, range);
  if (verdict.kind === "unmet" && !verdict.begun && !isGivenUp(deciding, task, firstBecause)) {
    return null;
  }
  return settle(deciding, verdict, { task, step, because: firstBecause });
}

function isGivenUp({ settings, now }: Deciding, task: Task, because: string | null): boolean {
  const at = giveUpAt(settings, task, because);
  return at !== null && at <= now;
}

interface Settling {
  readonly task: Task;
  readonly step: PlanStep;
  readonly because: string | null;
}

function goOn(deciding: Deciding, settling: Settling): Task {
  return settle(deciding, readiness(deciding, settling.step, settling.task), settling);
}

function settle(deciding: Deciding, verdict: Verdict, { task, step, because }: Settling): Task {
  if (verdict.kind === "unmet") {
    const gone = step.after.find((id) => isSkipped(deciding, taskId(id, task)));
    if (gone !== undefined) return skipped(deciding, task, `${gone} of this day was skipped`);
    return waiting(deciding, { task, because }, verdict);
  }
  const newer = isCommanded(because) ? null : supersededBy(deciding, step, task);
  if (newer !== null) return skipped(deciding, task, `${newer} is newer and complete`);
  if (isTooOldToServe(deciding, step, task) && !isAskedFor(task, because)) {
    const days = deciding.settings.cellsKeptDays;
    return skipped(
      deciding,
      task,
      `the online store would drop its rows at once: it keeps them ${days} days; landfall backfill loads it all the same`,
    );
  }
  const launchAt = earliestLaunch(step, task);
  if (launchAt !== null && launchAt > deciding.now && !isAskedFor(task, because)) {
    return waitingForSchedule(task, step, launchAt);
  }
  return claim(deciding, task, { step, reads: verdict.reads, because });
}

function isSkipped(deciding: Deciding, id: TaskId): boolean {
  return deciding.draft.get(`tasks/${id}`)?.state.kind === "skipped";
}

type Unsettled = Pick<Settling, "task" | "because">;

function waiting(deciding: Deciding, { task, because }: Unsettled, verdict: Unmet): Task {
  const missing = verdict.missing.map((m) => `${m.what}: ${m.because}`).join("; ");
  if (isGivenUp(deciding, task, because)) return givenUp(deciding, task, missing);
  const why = `waits for ${missing}`;
  const until = Math.min(
    verdict.until ?? Number.POSITIVE_INFINITY,
    deciding.now + hoursAheadMs,
    giveUpAt(deciding.settings, task, because) ?? Number.POSITIVE_INFINITY,
  );
  const sleeping = task.state.kind === "waiting" && task.why === why;
  if (sleeping && task.wakeAt !== null && task.wakeAt > deciding.now && task.wakeAt <= until) {
    return task;
  }
  const state = { kind: "waiting" as const, ...(because === firstBecause ? {} : { because }) };
  return { ...task, state, why, wakeAt: until, queuedFor: null };
}

function givenUp(deciding: Deciding, task: Task, missing: string): Task {
  const { giveUpHours } = policyOf(deciding.settings, task);
  const reason = `gave up waiting ${giveUpHours} h after its day: ${missing}`;
  return {
    ...task,
    state: { kind: "failed", run: 1, at: deciding.now, reason },
    why: `failed: ${reason}`,
    wakeAt: null,
    queuedFor: null,
  };
}

function waitingForSchedule(task: Task, step: PlanStep, launchAt: EpochMs): Task {
  const why = `inputs complete; its schedule ${step.schedule} (UTC) lets it start later`;
  if (task.state.kind === "waiting" && task.why === why) return task;
  return { ...task, state: { kind: "waiting" }, why, wakeAt: launchAt, queuedFor: null };
}

function skipped(deciding: Deciding, task: Task, because: string): Task {
  return {
    ...task,
    state: { kind: "skipped", because, at: deciding.now },
    why: `skipped: ${because}`,
    wakeAt: null,
    queuedFor: null,
  };
}

/** A task that had ended: run again when an input landed again and a rerun would read it (I4, I7). */
function again(deciding: Deciding, task: Task, step: PlanStep): Task {
  const landed = relanding(deciding, task, step);
  switch (landed.kind) {
    case "unchanged":
      return task.wakeAt === null ? task : { ...task, wakeAt: null };
    case "waived":
      return remarked(task, landed.remark);
    case "later":
      return {
        ...remarked(task, landed.remark),
        wakeAt: Math.min(landed.until ?? Number.POSITIVE_INFINITY, deciding.now + hoursAheadMs),
      };
    case "rerun": {
      const verdict: Met = landed.verdict;
      return claim(deciding, task, { step, reads: verdict.reads, because: landed.because });
    }
  }
}

/** A success that stands though an input landed again: what it was stays its remark. */
function remarked(task: Task, waived: string): Task {
  const asleep = task.wakeAt === null ? task : { ...task, wakeAt: null };
  if (task.state.kind !== "succeeded") return asleep;
  const { remark } = task.state;
  const why = `done: ${remark === null ? "" : `${remark}; `}${waived}`;
  return task.why === why ? asleep : { ...asleep, why };
}

/** A task as it is before its first fact. */
export function unborn(deciding: Deciding, step: PlanStep, range: PartitionRange): Task {
  return {
    schema: 1,
    id: taskId(step.id, range),
    step: step.id,
    config: step.config,
    mode: step.mode,
    team: step.team,
    pipeline: step.pipeline,
    start: range.start,
    end: range.end,
    bornAt: deciding.now,
    state: { kind: "waiting" },
    why: "",
    wakeAt: null,
    queuedFor: null,
    requestedBy: [],
    runs: [],
    reads: {},
    before: {},
  };
}
