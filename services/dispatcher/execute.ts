import { isOwn } from "../../core/consistency.ts";
import type { Decided } from "../../core/decide.ts";
import { isLive } from "../../core/status.ts";
import type { Bus } from "../../ports/bus.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, SubmitAnswer } from "../../ports/job-runner.ts";
import { inTrace } from "../../ports/log.ts";
import type { JobSettled } from "../../schemas/events.ts";
import type { EpochMs, TaskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { Trace } from "../../schemas/trace.ts";
import { jobSpec } from "./job-spec.ts";
import type { Plans } from "./plans.ts";
import { type Publishing, type PublishingPorts, publishMetrics } from "./publish-metrics.ts";

export interface Executing extends PublishingPorts {
  readonly runner: JobRunner;
  readonly bus: Bus;
  readonly plans: Plans;
  /** Tasks whose current job this process knows to be submitted, until that is stored. Lost with the process. */
  readonly submitted: Map<TaskId, Submitted>;
}

export interface Submitted {
  readonly jobId: string;
  readonly at: EpochMs;
}

/** A decision, and the traces that its moves belong to. */
export interface TracedDecision extends Decided {
  readonly traceOf: (task: TaskId) => Trace | undefined;
}

/** Carries out a committed decision. Doing it twice submits the same jobs (I3). */
export async function execute(executing: Executing, decided: TracedDecision): Promise<void> {
  const { launches, cancels, traceOf } = decided;
  await Promise.all([
    ...launches.map((task) => launch(executing, task, traceOf(task.id))),
    ...cancels.map((task) => cancel(executing, task, traceOf(task.id))),
  ]);
}

/**
 * Submits a claimed attempt until it is taken, refused, or `submitBy` has passed. A step of Landfall's
 * own is done instead.
 */
export async function launch(executing: Executing, task: Task, trace?: Trace): Promise<void> {
  const { state } = task;
  if (state.kind !== "launching") return;
  executing.submitted.delete(task.id);
  const plan = executing.plans.current();
  const step = plan?.step(task.step);
  // An earlier life may have submitted it: when its time is over it is cancelled, not forgotten.
  if (plan === null || step === undefined) return;
  const begin = async (): Promise<true> => {
    if (isOwn(step)) await own(executing, { task, trace }, { step, tables: plan.tables });
    else await submit(executing, { task, trace }, step);
    return true;
  };
  const early = (state.notBefore ?? 0) - executing.clock.now();
  if (early > 0) await executing.clock.sleep(early);
  for (let pauseMs = 50; executing.clock.now() < state.submitBy; pauseMs *= 2) {
    const done = await tried(executing, begin);
    if (done === true) return;
    await executing.clock.pause(Math.min(pauseMs, 5_000));
  }
}

/** A task, and the trace that what is done for it belongs to. */
interface Traced {
  readonly task: Task;
  readonly trace: Trace | undefined;
}

async function submit(executing: Executing, of: Traced, step: PlanStep): Promise<void> {
  const { task, trace } = of;
  const spec = {
    ...jobSpec(executing.settings, step, task),
    ...(trace === undefined ? {} : { trace }),
  };
  await taken(executing, of, await executing.runner.submit(spec));
}

/**
 * What Landfall does itself is done here and now, and its end reported as a job's is. Until that is
 * heard of, its claim stays one that nobody is known to have submitted: so it is claimed, and done,
 * again after a crash between any two lines.
 */
async function own(
  executing: Executing,
  of: Traced,
  what: Pick<Publishing, "step" | "tables">,
): Promise<void> {
  const { task, trace } = of;
  const startedAt = executing.clock.now();
  try {
    await publishMetrics(executing, { ...what, partition: task.end, trace });
  } catch (cause) {
    if (cause instanceof RetryableError) throw cause;
    const error = cause instanceof Error ? cause.message : String(cause);
    return report(executing, of, { outcome: "failed", error, startedAt });
  }
  await report(executing, of, { outcome: "succeeded", error: null, startedAt });
}

async function taken(executing: Executing, of: Traced, answer: SubmitAnswer): Promise<void> {
  const { task, trace } = of;
  const { state } = task;
  if (state.kind !== "launching") return;
  if (answer.kind !== "refused") {
    executing.submitted.set(task.id, { jobId: state.jobId, at: executing.clock.now() });
    return;
  }
  const { reason } = answer;
  executing.log.warn({ task: task.id, reason, ...inTrace(trace) }, "the runner refused a job");
  await report(executing, of, { outcome: "failed", error: `refused: ${reason}`, startedAt: null });
}

/**
 * Cancels a job. One that was never submitted, and by now never will be, has no end that anybody
 * could see: it is reported here.
 */
async function cancel(executing: Executing, task: Task, trace?: Trace): Promise<void> {
  const { state } = task;
  if (state.kind !== "cancelling") return;
  const never = executing.clock.now() > state.since + lastTryMs(executing.settings);
  await tried(executing, async () => {
    const answer = await executing.runner.cancel(state.jobId);
    if (answer === "unknown" && never) {
      const error = "it was never submitted";
      await report(executing, { task, trace }, { outcome: "cancelled", error, startedAt: null });
    }
  });
}

/** After its claim a job is submitted until so long after its turn, which is no further off; a call may take its time. */
function lastTryMs({ submitWithinMs }: Executing["settings"]): number {
  return 2 * submitWithinMs + callMs;
}

const callMs = 30_000;

/** Reports an end that no runner will report. Throws `RetryableError` when the bus does not answer. */
async function report(
  executing: Executing,
  { task, trace }: Traced,
  { outcome, error, startedAt }: Pick<JobSettled, "outcome" | "error" | "startedAt">,
): Promise<void> {
  if (!isLive(task.state)) return;
  const { run, attempt, jobId } = task.state;
  const ended: JobSettled = {
    kind: "job-settled",
    schema: 1,
    task: task.id,
    run,
    attempt,
    jobId,
    outcome,
    blame: "job",
    startedAt,
    endedAt: executing.clock.now(),
    error,
    log: null,
    outputs: [],
  };
  await executing.bus.publish([ended], trace);
}

/** Null when the world did not answer; recovery by `wakeAt` makes up for what is given up here. */
async function tried<T>(executing: Executing, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof RetryableError)) throw cause;
    executing.log.warn({ cause: cause.message }, "a job could not be begun or ended");
    return null;
  }
}
