import { dayMs } from "../../../core/dates.ts";
import type { JobSpec } from "../../../ports/job-runner.ts";
import type { FlinkState } from "../../../ports/world.ts";
import { confObject } from "../../../releases/names.ts";
import { parseTaskId } from "../../../schemas/ids.ts";
import type { PlanStream } from "../../../schemas/plan.ts";
import type { StreamAttempt } from "../../../schemas/streams.ts";

/** A stream is never out of time. Runners keep a number. */
const timeoutMs = 3_650 * dayMs;

/** The job of an attempt: the same whoever submits it, as long as the stream is wanted as it was. */
export function streamSpec(
  stream: PlanStream,
  attempt: StreamAttempt,
  state: FlinkState | null,
): JobSpec {
  const { jobId, task, from } = attempt;
  return {
    jobId,
    task,
    run: attempt.attempt,
    attempt: 1,
    config: stream.config,
    confType: "group_bys",
    team: stream.team,
    mode: "streaming",
    range: parseTaskId(task).range,
    conf: confObject(stream.conf),
    confPath: stream.conf.path,
    env: stream.env,
    execution: stream.execution ?? { properties: {} },
    output: null,
    inputs: [],
    stepDays: 1,
    timeoutMs,
    ...(from === null ? {} : { savepoint: `${state?.uri ?? ""}/${from.path}` }),
  };
}
