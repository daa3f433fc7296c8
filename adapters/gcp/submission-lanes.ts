import type { Lane } from "../../schemas/lane.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { type Placing, placementOf } from "./dataproc-place.ts";

/**
 * The quotas that a step's submissions count against: the API's of its region, and the agent's of
 * its cluster (Dataproc: 400 job operations a minute and region, one submission a second and
 * cluster). A step that has no place is refused when its job is submitted, and counts nowhere.
 */
export function submissionLanes(placing: Placing): (step: PlanStep) => readonly Lane[] {
  const { submissionsPerMinute, clusterSubmissionsPerMinute } = placing.settings;
  const known = new WeakMap<PlanStep, readonly Lane[]>();
  const lanesOf = (step: PlanStep): readonly Lane[] => {
    const { execution = { properties: {} } } = step;
    const placed = placementOf(placing, { ...step, execution });
    if ("refused" in placed) return [];
    const { region, on } = placed;
    const api = { name: `region ${region}`, perMinute: submissionsPerMinute };
    if (on.kind === "serverless") return [api];
    const agent = {
      name: `cluster ${on.name} in ${region}`,
      perMinute: clusterSubmissionsPerMinute,
    };
    return [api, agent];
  };
  return (step) => {
    const lanes = known.get(step) ?? lanesOf(step);
    known.set(step, lanes);
    return lanes;
  };
}
