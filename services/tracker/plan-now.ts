import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { readPlan, currentPlan as storedPlan } from "../../releases/stored-plan.ts";
import type { EpochMs } from "../../schemas/ids.ts";

/** A plan, and since when it decides. */
export interface PlanNow {
  readonly index: PlanIndex;
  readonly at: EpochMs;
}

/** The plan that decides, indexed once per plan; null before the first release. */
export function planNow(ports: {
  readonly store: TaskStore;
  readonly configs: ObjectStore;
}): () => Promise<PlanNow | null> {
  let known: PlanNow | null = null;
  return async () => {
    const { body } = await storedPlan(ports.store);
    if (body === null) return null;
    if (known?.index.plan.hash !== body.hash) {
      known = { index: indexPlan(await readPlan(ports.configs, body.hash)), at: body.at };
    }
    return known;
  };
}
