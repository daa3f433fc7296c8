import pLimit, { type LimitFunction } from "p-limit";
import { writesOnline } from "../../core/instances.ts";
import { traceOf } from "../../core/trace.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import { inTrace } from "../../ports/log.ts";
import type { JobOutcome, JobSettled } from "../../schemas/events.ts";
import { type EpochMs, parseTaskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Trace } from "../../schemas/trace.ts";
import { type CurrentPlan, currentPlan } from "./current-plan.ts";
import { outputTables } from "./output-table.ts";
import type { TrackerPorts } from "./pipeline.ts";
import { outputsSeen, type Verifying } from "./verify.ts";

/** Tries at a time. What waits for its next one keeps nobody else from theirs. */
const triesMax = 64;
const pauseMsMax = 30_000;

/** What a tracker has in hand. */
export interface Tracking {
  readonly ports: TrackerPorts;
  readonly plan: CurrentPlan;
  readonly verifying: Verifying;
  /** Jobs that are being reported, or were and are not forgotten: statuses repeat. */
  readonly inHand: Set<string>;
  /** Of these the ones that were reported, by the id of the job. */
  readonly reported: Map<string, Reported>;
  readonly tries: LimitFunction;
  /** Resolves when no more is to be waited for. */
  readonly stopping: Promise<unknown>;
  readonly stop: () => void;
  stopped: boolean;
}

/** A report, and when it is looked whether it was heard. */
export interface Reported {
  readonly status: JobStatus;
  readonly waitMs: number;
  readonly lookAt: EpochMs;
}

export function trackingOf(ports: TrackerPorts): Tracking {
  let stop = () => {};
  const stopping = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const tracking: Tracking = {
    ports,
    plan: currentPlan(ports),
    verifying: { ...ports, tables: outputTables(ports) },
    inHand: new Set(),
    reported: new Map(),
    tries: pLimit(triesMax),
    stopping,
    stop() {
      tracking.stopped = true;
      stop();
    },
    stopped: false,
  };
  return tracking;
}

/** Takes an ended job in hand, unless it is already. */
export function begun({ inHand }: Tracking, status: JobStatus): boolean {
  if (outcomeOf(status.state) === null || inHand.has(status.jobId)) return false;
  inHand.add(status.jobId);
  return true;
}

/** Most reports are heard within a second; a dispatcher that is behind is not told all of it again. */
const heardMs = 60_000;
const heardMsMax = 86_400_000;

/** Verifies and publishes, each until it is done; from then on it is to be heard (`heard.ts`). */
export async function settle(tracking: Tracking, status: JobStatus): Promise<void> {
  const { ports, inHand, reported } = tracking;
  const { jobId } = status;
  if (!(await publishEnd(tracking, status))) {
    inHand.delete(jobId);
    return;
  }
  const before = reported.get(jobId);
  const waitMs = before === undefined ? heardMs : Math.min(heardMsMax, 4 * before.waitMs);
  reported.set(jobId, { status, waitMs, lookAt: ports.clock.now() + waitMs });
}

/** False when it was stopped before that. */
async function publishEnd(tracking: Tracking, status: JobStatus): Promise<boolean> {
  const event = await untilDone(tracking, status, () => settledOf(tracking, status));
  if (event === null) return false;
  const done = await untilDone(tracking, status, async () => {
    await tracking.ports.bus.publish([event], traceOfJob(status));
    return true;
  });
  return done !== null;
}

async function settledOf(tracking: Tracking, status: JobStatus): Promise<JobSettled> {
  const { jobId, task, run, attempt, startedAt, endedAt, log, usage } = status;
  return {
    kind: "job-settled",
    schema: 1,
    task,
    run,
    attempt,
    jobId,
    startedAt,
    endedAt: endedAt ?? tracking.ports.clock.now(),
    log,
    ...(usage === undefined ? {} : { usage }),
    ...(await endOf(tracking, status)),
  };
}

type End = Pick<JobSettled, "outcome" | "blame" | "error" | "outputs" | "unseen">;

/**
 * How a job ended, with what it wrote. A retired step's output is not looked at, and the end says so:
 * its release may be taken back before that is judged. A row of the online store that the world refuses
 * to show is no success; a table is waited for, since what a job may have left in it decides about the
 * next attempt.
 */
async function endOf(tracking: Tracking, status: JobStatus): Promise<End> {
  const { jobId, task, state, blame, error } = status;
  const outcome = outcomeOf(state);
  if (outcome === null) throw new Error(`job ${jobId} is ${state}: it has not ended`);
  const end: End = { outcome, blame, error, outputs: [] };
  const { settings, log } = tracking.ports;
  const { step: id, range } = parseTaskId(task);
  const { plan, step } = await tracking.plan.find(id);
  if (step === undefined) return { ...end, unseen: true };
  if (!isLookedAt(step, outcome, settings)) return end;
  try {
    return { ...end, outputs: await outputsSeen(tracking.verifying, { plan, step, range }) };
  } catch (cause) {
    if (!(cause instanceof PermanentError && writesOnline(step))) throw cause;
    const fields = { task, jobId, reason: cause.message, ...inTrace(traceOfJob(status)) };
    log.error(fields, `what ${task} wrote cannot be read; it is reported as failed`);
    const sentence = `its job succeeded, and what it wrote cannot be read: ${cause.message}`;
    return { ...end, outcome: "failed", blame: "infrastructure", error: sentence };
  }
}

/** Half of a table is there whoever failed; a row of the online store only counts after a success. */
function isLookedAt(step: PlanStep, outcome: JobOutcome, { servingInfo }: Settings): boolean {
  return !writesOnline(step) || (outcome === "succeeded" && servingInfo !== "believe");
}

/** Null for a job that has not ended. */
function outcomeOf(state: JobStatus["state"]): JobOutcome | null {
  return state === "pending" || state === "running" ? null : state;
}

/** The trace that the job was submitted in; where its runner kept none, one of its own. */
export function traceOfJob({ trace, jobId }: JobStatus): Trace {
  return trace ?? traceOf(jobId);
}

/** Tries until it works, with growing pauses; null when it was stopped before it did. */
async function untilDone<R>(
  tracking: Tracking,
  status: JobStatus,
  attempt: () => Promise<R>,
): Promise<R | null> {
  const { clock, log } = tracking.ports;
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMsMax, pauseMs * 2)) {
    try {
      return await tracking.tries(attempt);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const { task, jobId } = status;
      const fields = { task, jobId, reason, ...inTrace(traceOfJob(status)) };
      if (cause instanceof RetryableError) log.warn(fields, `${task} cannot be reported yet`);
      else log.error(fields, `${task} cannot be reported; trying again`);
    }
    if (tracking.stopped) return null;
    await Promise.race([clock.pause(pauseMs), tracking.stopping]);
    if (tracking.stopped) return null;
  }
}
