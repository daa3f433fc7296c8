import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { readPlan, currentPlan as storedPlan } from "../../releases/stored-plan.ts";
import type { StepId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";

/** The plan that decides, as a reader of it. */
export interface CurrentPlan {
  /**
   * A step and the plan it is in; `step` undefined when the plan has none of that id: it was
   * retired. Throws `RetryableError` while there is no plan.
   */
  find(id: StepId): Promise<{ readonly plan: PlanIndex; readonly step: PlanStep | undefined }>;
  /** The plan that was read last, which may not decide any more; null: none was. */
  known(): PlanIndex | null;
  /** Reads the plan. Throws `RetryableError` while there is none. */
  learn(): Promise<PlanIndex>;
}

export interface CurrentPlanOptions {
  readonly store: TaskStore;
  /** Holds `plans/`. */
  readonly configs: ObjectStore;
  readonly clock: Clock;
}

/** How old knowledge of which plan is current may be; a step it does not know is looked for at once. */
const freshMs = 1_000;

export function currentPlan({ store, configs, clock }: CurrentPlanOptions): CurrentPlan {
  let known: PlanIndex | null = null;
  let readAt = Number.NEGATIVE_INFINITY;
  let underWay: Promise<PlanIndex> | null = null;

  const refresh = async (): Promise<PlanIndex> => {
    const { body: pointer } = await storedPlan(store);
    if (pointer === null) throw new RetryableError("no plan is released yet");
    const plan =
      known?.plan.hash === pointer.hash ? known : indexPlan(await readPlan(configs, pointer.hash));
    readAt = clock.now();
    known = plan;
    return plan;
  };

  /** Those who find it stale at once share one reading. */
  const refreshShared = (): Promise<PlanIndex> => {
    underWay ??= refresh().finally(() => {
      underWay = null;
    });
    return underWay;
  };

  return {
    known: () => known,
    learn: refreshShared,
    async find(id) {
      const fresh = clock.now() - readAt < freshMs ? known : null;
      const plan = fresh ?? (await refreshShared());
      const step = plan.step(id);
      if (step !== undefined) return { plan, step };
      const newest = await refresh();
      return { plan: newest, step: newest.step(id) };
    },
  };
}
