import { newestGivenUp } from "../../core/given-up.ts";
import { single } from "../../core/readiness.ts";
import type { Nudge } from "../../core/work.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Partition, type StepId, taskId } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Plans } from "./plans.ts";

export interface GivingUp {
  readonly plans: Pick<Plans, "current">;
  readonly settings: Settings;
  readonly clock: Pick<Clock, "now">;
}

export interface GivenUp {
  /** Days whose waiting is over by now and that were not looked at. */
  nudges(): Nudge[];
  /** What was nudged last has been looked at. */
  looked(): void;
}

/**
 * Days whose waiting is over, each once a process: a task for which nothing ever landed is not born, so
 * nothing else would look at it.
 */
export function givenUp({ plans, settings, clock }: GivingUp): GivenUp {
  const lookedAt = new Map<StepId, Partition>();
  const nudged = new Map<StepId, Partition>();
  return {
    nudges: () =>
      (plans.current()?.plan.steps ?? []).flatMap((step): Nudge[] => {
        const day = newestGivenUp(settings, step, clock.now());
        if (day === null || lookedAt.get(step.id) === day) return [];
        nudged.set(step.id, day);
        return [{ kind: "concern", task: taskId(step.id, single(day)) }];
      }),
    looked() {
      for (const [step, day] of nudged) lookedAt.set(step, day);
      nudged.clear();
    },
  };
}
