import pLimit, { type LimitFunction } from "p-limit";
import {
  defer,
  EMPTY,
  filter,
  firstValueFrom,
  merge,
  mergeMap,
  type Observable,
  race,
  takeUntil,
} from "rxjs";
import { writesOnline } from "../../core/instances.ts";
import { isLive } from "../../core/status.ts";
import { traceOf } from "../../core/trace.ts";
import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobStatus } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { inTrace, type Log } from "../../ports/log.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { JobOutcome, JobSettled } from "../../schemas/events.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { Trace } from "../../schemas/trace.ts";
import { type CurrentPlan, currentPlan } from "./current-plan.ts";
import { looks } from "./looks.ts";
import { outputTables } from "./output-table.ts";
import { outputsSeen, type Verifying } from "./verify.ts";

export interface TrackerPorts {
  readonly bus: Bus;
  /** Only read: which plan is current, the watcher's cursors, and which tasks know how their jobs ended. */
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  /** Holds the plans. */
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly runner: JobRunner;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  /** Objects that were finished in the lake, where jobs are not told of but looked at. */
  readonly written?: Observable<ObjectNotification>;
}

/**
 * Reports what became of jobs, after looking at what they wrote. Nothing is decided here: an
 * outcome is what the runner said and what is in the lake; what it means for the task is the
 * dispatcher's to say (I5).
 *
 * - T1 A job is forgotten by its runner only after its task is seen to know of its end, so it is
 *   reported at least once, whatever process dies, and again while the task does not move, whatever
 *   became of the report. Two trackers only report twice.
 * - T2 What cannot be read is read again until it can: an unknown output is never reported missing.
 *   What will never be read as the world is (a table that nobody made) is a failure with that sentence.
 *
 * Runs until `stop` emits; then reports under way are finished and the stream completes. One that
 * waits for the world is given up, and made again by the next tracker.
 */
export function tracker(ports: TrackerPorts, stop: Observable<unknown>): Observable<void> {
  return defer(() => {
    const tracking = trackingOf(ports, stop);
    const settled = ports.runner.statuses().pipe(
      takeUntil(stop),
      filter((status) => begun(tracking, status)),
      mergeMap((status) => settle(tracking, status)),
    );
    const { plan } = tracking;
    const looking = looks({ written: EMPTY, ...ports, plan });
    return merge(settled, looking.pipe(takeUntil(stop)));
  });
}

/** Tries at a time. What waits for its next one keeps nobody else from theirs. */
const triesMax = 64;
const pauseMsMax = 30_000;

interface Tracking {
  readonly ports: TrackerPorts;
  readonly plan: CurrentPlan;
  readonly verifying: Verifying;
  /** Jobs that are being reported: statuses repeat. */
  readonly inHand: Set<string>;
  readonly tries: LimitFunction;
  /** Resolves when no more is to be waited for. */
  readonly stopping: Promise<unknown>;
  stopped: boolean;
}

function trackingOf(ports: TrackerPorts, stop: Observable<unknown>): Tracking {
  const stopping = firstValueFrom(stop, { defaultValue: undefined });
  const tracking: Tracking = {
    ports,
    plan: currentPlan(ports),
    verifying: { ...ports, tables: outputTables(ports) },
    inHand: new Set(),
    tries: pLimit(triesMax),
    stopping,
    stopped: false,
  };
  void stopping.then(() => {
    tracking.stopped = true;
  });
  return tracking;
}

/** Takes an ended job in hand, unless it is already. */
function begun({ inHand }: Tracking, status: JobStatus): boolean {
  if (outcomeOf(status.state) === null || inHand.has(status.jobId)) return false;
  inHand.add(status.jobId);
  return true;
}

/** Verifies, publishes, looks whether that was heard, forgets: in that order, each until it is done (T1). */
async function settle(tracking: Tracking, status: JobStatus): Promise<void> {
  const { runner } = tracking.ports;
  try {
    const event = await untilDone(tracking, status, () => settledOf(tracking, status));
    if (event === null || !(await untilHeard(tracking, status, event))) return;
    await untilDone(tracking, status, () => runner.forget([status.jobId]));
  } finally {
    tracking.inHand.delete(status.jobId);
  }
}

/** Most reports are heard within a second; a dispatcher with much to do is not told twice of all of it. */
const heardMs = 15_000;
const heardMsMax = 3_600_000;

/** Reports an end, ever more seldom, until its task knows; false when it was stopped before that. */
async function untilHeard(
  tracking: Tracking,
  status: JobStatus,
  event: JobSettled,
): Promise<boolean> {
  const { bus, clock, log } = tracking.ports;
  const { task, jobId } = status;
  const trace = traceOfJob(status);
  for (let pauseMs = heardMs; ; pauseMs = Math.min(heardMsMax, pauseMs * 4)) {
    const published = await untilDone(tracking, status, async () => {
      await bus.publish([event], trace);
      return true;
    });
    if (published === null) return false;
    await firstValueFrom(race(clock.every(pauseMs), tracking.stopping), { defaultValue: null });
    if (await untilDone(tracking, status, () => isHeard(tracking, status))) return true;
    if (tracking.stopped) return false;
    const fields = { task, jobId, waitedMs: pauseMs, ...inTrace(trace) };
    log.warn(fields, `${task} has not heard that its job ended; it is reported again`);
  }
}

/** Whether a task goes on without this job, or is gone. */
async function isHeard({ ports }: Tracking, { task, jobId }: JobStatus): Promise<boolean> {
  const id = `tasks/${task}` as const;
  const known = (await ports.store.read([id])).get(id)?.body as Task | null | undefined;
  return known == null || !isLive(known.state) || known.state.jobId !== jobId;
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
function traceOfJob({ trace, jobId }: JobStatus): Trace {
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
