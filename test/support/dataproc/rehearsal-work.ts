import { readLabels } from "../../../adapters/gcp/dataproc-labels.ts";
import { drive } from "../../../adapters/rehearsal/driver.ts";
import type { RehearsalWorld } from "../../../adapters/rehearsal/world.ts";
import { inputRange } from "../../../core/partitions.ts";
import type { JobSpec } from "../../../ports/job-runner.ts";
import { parseTaskId } from "../../../schemas/ids.ts";
import type { PlanStep } from "../../../schemas/plan.ts";
import type { Work } from "./place.ts";

/**
 * Jobs that do what Chronon's driver would do, silences included: they write real commits and rows
 * of the online store. What a job is to do is found by its labels; `spec` makes it what the
 * dispatcher would have submitted.
 */
export function rehearsalWork(
  world: RehearsalWorld,
  plan: {
    step(id: string): PlanStep | undefined;
    spec(step: PlanStep, range: JobSpec["range"], more: Partial<JobSpec>): JobSpec;
  },
): Work {
  return async ({ id, labels }) => {
    const labelled = readLabels(labels);
    if (labelled === null) return { ok: false, details: "it is no job of Landfall's" };
    const { task, run, attempt } = labelled;
    const { step: name, range } = parseTaskId(task);
    const step = plan.step(name);
    if (step === undefined) return { ok: false, details: `no step ${name}` };
    const inputs = step.inputs.flatMap((input) => {
      const wanted = inputRange(range, input);
      if (wanted === null) return [];
      const { start, end } = wanted;
      return [{ table: input.table, range: start === null ? null : { start, end } }];
    });
    const error = await drive(world, plan.spec(step, range, { jobId: id, run, attempt, inputs }));
    return error === null ? { ok: true } : { ok: false, details: error };
  };
}
