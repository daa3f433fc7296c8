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

/**
 * Days whose waiting is over by now, each once a process: a task for which nothing ever landed is not
 * born, so nothing else would look at it.
 */
export function givenUpNudges({ plans, settings, clock }: GivingUp): () => Nudge[] {
  const lookedAt = new Map<StepId, Partition>();
  return () =>
    (plans.current()?.plan.steps ?? []).flatMap((step): Nudge[] => {
      const day = newestGivenUp(settings, step, clock.now());
      if (day === null || lookedAt.get(step.id) === day) return [];
      lookedAt.set(step.id, day);
      return [{ kind: "concern", task: taskId(step.id, single(day)) }];
    });
}
