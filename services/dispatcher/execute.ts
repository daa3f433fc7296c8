import type { Decided } from "../../core/decide.ts";
import { isLive } from "../../core/status.ts";
import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, SubmitAnswer } from "../../ports/job-runner.ts";
import type { Log } from "../../ports/log.ts";
import type { JobSettled } from "../../schemas/events.ts";
import type { TaskId } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { jobSpec } from "./job-spec.ts";
import type { Plans } from "./plans.ts";

export interface Executing {
  readonly runner: JobRunner;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  readonly plans: Plans;
  /** Tasks whose current job this process knows to be submitted, by job id. Lost with the process. */
  readonly submitted: Map<TaskId, string>;
}

/** Carries out a committed decision. Doing it twice submits the same jobs (I3). */
export async function execute(executing: Executing, decided: Decided): Promise<void> {
  await Promise.all([
    ...decided.launches.map((task) => launch(executing, task)),
    ...decided.cancels.map((task) => cancel(executing, task)),
  ]);
}

/** Submits a claimed attempt until it is taken, refused, or `submitBy` has passed. */
export async function launch(executing: Executing, task: Task): Promise<void> {
  const { state } = task;
  if (state.kind !== "launching") return;
  executing.submitted.delete(task.id);
  const step = executing.plans.current()?.step(task.step);
  // An earlier life may have submitted it: when its time is over it is cancelled, not forgotten.
  if (step === undefined) return;
  const spec = jobSpec(executing.settings, step, task);
  const early = (state.notBefore ?? 0) - executing.clock.now();
  if (early > 0) await executing.clock.sleep(early);
  for (let pauseMs = 50; executing.clock.now() < state.submitBy; pauseMs *= 2) {
    const done = await tried(executing, async () => {
      await taken(executing, task, await executing.runner.submit(spec));
      return true;
    });
    if (done === true) return;
    await executing.clock.pause(Math.min(pauseMs, 5_000));
  }
}

async function taken(executing: Executing, task: Task, answer: SubmitAnswer): Promise<void> {
  const { state } = task;
  if (state.kind !== "launching") return;
  if (answer.kind !== "refused") {
    executing.submitted.set(task.id, state.jobId);
    return;
  }
  executing.log.warn({ task: task.id, reason: answer.reason }, "the runner refused a job");
  await report(executing, task, { outcome: "failed", error: `refused: ${answer.reason}` });
}

/**
 * Cancels a job. One that was never submitted, and by now never will be, has no end that anybody
 * could see: it is reported here.
 */
async function cancel(executing: Executing, task: Task): Promise<void> {
  const { state } = task;
  if (state.kind !== "cancelling") return;
  const never = executing.clock.now() > state.since + executing.settings.submitWithinMs;
  await tried(executing, async () => {
    const answer = await executing.runner.cancel(state.jobId);
    if (answer === "unknown" && never) {
      await report(executing, task, { outcome: "cancelled", error: "it was never submitted" });
    }
  });
}

/** Reports an end that no runner will report. Throws `RetryableError` when the bus does not answer. */
async function report(
  executing: Executing,
  task: Task,
  { outcome, error }: Pick<JobSettled, "outcome"> & { error: string },
): Promise<void> {
  if (!isLive(task.state)) return;
  const { run, attempt, jobId } = task.state;
  await executing.bus.publish([
    {
      kind: "job-settled",
      schema: 1,
      task: task.id,
      run,
      attempt,
      jobId,
      outcome,
      blame: "job",
      startedAt: null,
      endedAt: executing.clock.now(),
      error,
      log: null,
      outputs: [],
    },
  ]);
}

/** Null when the runner did not answer; recovery by `wakeAt` makes up for what is given up here. */
async function tried<T>(executing: Executing, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof RetryableError)) throw cause;
    executing.log.warn({ cause: cause.message }, "the job runner did not answer");
    return null;
  }
}
