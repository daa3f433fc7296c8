import type { PartitionRange } from "../schemas/ids.ts";
import { taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import { addDays, daysIn, partitionAt } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { landingOf, landingsIds } from "./landings.ts";
import { inputRange } from "./partitions.ts";
import { readiness, single } from "./readiness.ts";

/** Days after a partition that are looked at for a newer one that makes it needless. */
const newerDaysMax = 31;

/**
 * The newer partition that makes this one of a `latest-only` step needless, or null: its inputs
 * are complete and its own task has not failed. A partition that another config reads is needed
 * whatever came after it.
 */
export function supersededBy(
  deciding: Deciding,
  step: PlanStep,
  range: PartitionRange,
): string | null {
  if (step.strategy !== "latest-only" || isReadElsewhere(deciding, step)) return null;
  if (step.inputs.length === 0) return null;
  const from = addDays(range.end, 1);
  const newest = [addDays(range.end, newerDaysMax), partitionAt(deciding.now)].reduce((a, b) =>
    a < b ? a : b,
  );
  if (from > newest) return null;
  const newer = daysIn({ start: from, end: newest }).findLast(
    (day) => mayBeReady(deciding, step, single(day)) && isGood(deciding, step, single(day)),
  );
  return newer ?? null;
}

/** Whether another config reads what a step writes. */
export function isReadElsewhere({ plan }: Pick<Deciding, "plan">, step: PlanStep): boolean {
  if (step.output === undefined) return false;
  return plan.readersOf(step.output).some((reader) => reader.step.config !== step.config);
}

/** Cheap look before the whole verdict: has the last partition of every input landed? */
function mayBeReady(deciding: Deciding, step: PlanStep, range: PartitionRange): boolean {
  return step.inputs.every((input) => {
    const last = inputRange(range, input)?.end;
    if (last === undefined) return true;
    deciding.draft.need(landingsIds(input.table, single(last)));
    return landingOf(deciding.draft, input.table, last)?.state === "landed";
  });
}

function isGood(deciding: Deciding, step: PlanStep, range: PartitionRange): boolean {
  const state = deciding.draft.get(`tasks/${taskId(step.id, range)}`)?.state.kind;
  if (state === "failed" || state === "cancelled") return false;
  return readiness(deciding, step, range).kind === "met";
}
