import type { PlanStep } from "../../schemas/plan.ts";
import type { Environment } from "./environment.ts";

/** What differs from step to step; the rest follows from the config and the table of effects. */
export type Recipe = Pick<PlanStep, "pipeline" | "schedule" | "inputs" | "after" | "stepDays"> &
  Partial<Pick<PlanStep, "output" | "outputColumn">> & {
    /** Variables of its job beside those of the conf. */
    readonly env?: Environment;
  };
