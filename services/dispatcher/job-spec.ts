import { inputRange } from "../../core/partitions.ts";
import { policyOf } from "../../core/policy.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { confObject } from "../../releases/names.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";

/** The job of a task's live attempt. Throws `PermanentError` when the task has none. */
export function jobSpec(settings: Settings, step: PlanStep, task: Task): JobSpec {
  const { state } = task;
  if (state.kind !== "launching") {
    throw new PermanentError(`${task.id} is ${state.kind}: it has no attempt to submit`);
  }
  const range = { start: task.start, end: task.end };
  return {
    jobId: state.jobId,
    task: task.id,
    run: state.run,
    attempt: state.attempt,
    config: step.config,
    confType: step.confType,
    team: step.team,
    mode: step.mode,
    range,
    conf: confObject(step.conf),
    confPath: step.conf.path,
    env: step.env,
    execution: step.execution ?? { properties: {} },
    output:
      step.output === undefined
        ? null
        : { table: step.output, column: step.outputColumn, effect: step.effect },
    inputs: step.inputs.flatMap((input) => {
      const wanted = inputRange(range, input);
      if (wanted === null) return [];
      const { start, end } = wanted;
      return [{ table: input.table, range: start === null ? null : { start, end } }];
    }),
    stepDays: step.stepDays,
    timeoutMs: policyOf(settings, step).timeoutMs,
  };
}
