import { isOwn } from "../../core/consistency.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { Lane } from "../../schemas/lane.ts";
import type { PlanStep } from "../../schemas/plan.ts";

/** Limits on submissions that a step counts against; what no runner hears of has none. */
export function lanesFor(runner: Pick<JobRunner, "lanes">): (step: PlanStep) => readonly Lane[] {
  return (step) => (isOwn(step) ? [] : runner.lanes(step));
}
