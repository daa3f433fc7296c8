import type { JobSpec } from "../../ports/job-runner.ts";
import { taskId } from "../../schemas/ids.ts";

/** Makes jobs with ids of their own: a daily step that overwrites its table, unless told otherwise. */
export function jobSpecs(prefix = "job"): (more?: Partial<JobSpec>) => JobSpec {
  let made = 0;
  return (more = {}) => {
    made += 1;
    const config = more.config ?? "risk.merchant_features.v1";
    const mode = more.mode ?? "backfill";
    const range = more.range ?? { start: "2025-09-30", end: "2025-09-30" };
    return {
      jobId: `${prefix}-${made}`,
      task: taskId(`${config}/${mode}`, range),
      run: 1,
      attempt: 1,
      config,
      confType: "group_bys",
      team: "risk",
      mode,
      range,
      conf: "conf",
      confPath: "compiled/group_bys/risk/merchant_features.v1",
      env: {},
      execution: { properties: {} },
      output: { table: "risk.merchant_features_v1", column: "ds", effect: "overwrites" },
      inputs: [],
      stepDays: 30,
      timeoutMs: 3_600_000,
      ...more,
    };
  };
}
