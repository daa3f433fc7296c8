import type { EpochMs } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import type { Task } from "../schemas/tasks.ts";
import { isAskedFor } from "./commanded.ts";
import { dayMs, hourMs, partitionAt, partitionEndMs } from "./dates.ts";
import { policyOf } from "./policy.ts";

/**
 * When a task that waits for its first run fails instead; null: it waits on. What somebody asked for,
 * and what has run before, is never given up.
 */
export function giveUpAt(settings: Settings, task: Task, because: string | null): EpochMs | null {
  const { giveUpHours } = policyOf(settings, task);
  if (giveUpHours === null || task.runs.length > 0 || isAskedFor(task, because)) return null;
  return partitionEndMs(task.end) + giveUpHours * hourMs;
}

/** The newest day of a step that is given up by now unless it has begun; null: none ever is. */
export function newestGivenUp(settings: Settings, step: PlanStep, now: EpochMs): string | null {
  const { giveUpHours } = policyOf(settings, step);
  if (giveUpHours === null || step.schedule === null) return null;
  return partitionAt(now - giveUpHours * hourMs - dayMs);
}
