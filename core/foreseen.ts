import type { DocumentId } from "../schemas/documents.ts";
import { type PartitionRange, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Deciding } from "./deciding.ts";
import { Unread } from "./draft.ts";
import { landingsIds } from "./landings.ts";
import { turnsRead } from "./lanes.ts";
import { slotsOf } from "./pools.ts";
import { readiness } from "./readiness.ts";

/**
 * What will be wanted of a task that was not read yet: what its inputs are not known by, or, where they
 * are complete, what a claim looks at. Read together they cost one request instead of three. A task
 * that waits for its inputs foresees nothing, so that no pool is read in vain.
 */
export function foreseen(
  deciding: Deciding,
  step: PlanStep,
  range: PartitionRange,
): readonly DocumentId[] {
  const { draft } = deciding;
  try {
    if (readiness(deciding, step, range).kind === "met") {
      draft.need(claimReads(deciding, step, range));
    }
    return [];
  } catch (cause) {
    if (cause instanceof Unread) return cause.ids;
    throw cause;
  }
}

function claimReads(deciding: Deciding, step: PlanStep, range: PartitionRange): DocumentId[] {
  const slots = slotsOf(deciding, step, { id: taskId(step.id, range), ...range });
  return [
    ...slots.map(({ pool }) => `pools/${pool}` as const),
    ...(step.output === undefined ? [] : landingsIds(step.output, range)),
    ...turnsRead(deciding, step),
  ];
}
