import type { WantedStep } from "./trace.ts";

/** A step as the auditor is told of it: scheduled, without inputs and output, but for what is said of it. */
export function wantedStep(
  said: Pick<WantedStep, "config" | "mode"> & Partial<WantedStep>,
): WantedStep {
  return {
    id: `${said.config}/${said.mode}`,
    scheduled: true,
    inputs: [],
    after: [],
    output: null,
    effect: "none",
    latestOnly: false,
    readByOthers: false,
    stepDays: 1,
    ...said,
  };
}
