import type { Plan, PlanStep } from "../schemas/plan.ts";

/** Whether a step's work is rows of the online store. */
export function writesOnline({ verification }: Pick<PlanStep, "verification">): boolean {
  return verification === "serving-info" || verification === "metadata-row";
}

/** Bigtable instances that a plan's configs, or their teams, name for their rows; in order of name. */
export function instancesNamed({ steps, metadata = [] }: Pick<Plan, "steps" | "metadata">) {
  const named = [
    ...steps.filter(writesOnline).map(({ env }) => env["GCP_BIGTABLE_INSTANCE_ID"] ?? ""),
    ...metadata.map(({ instance = "" }) => instance),
  ];
  return [...new Set(named)].filter((instance) => instance !== "").toSorted();
}
