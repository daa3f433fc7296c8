import type { PartitionRange } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import { dayMs } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { batchTimestamp } from "./serving-info.ts";

/**
 * Whether the online store would drop at once what a step loads: cells of a day carry the time of its
 * end, and are dropped by their age, however late they come.
 */
export function isTooOldToServe(
  { settings, now }: Deciding,
  step: PlanStep,
  { end }: PartitionRange,
): boolean {
  const { cellsKeptDays } = settings;
  if (step.verification !== "serving-info" || cellsKeptDays === null) return false;
  return now >= batchTimestamp(end) + cellsKeptDays * dayMs;
}
