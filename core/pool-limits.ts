import type { StepId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import { own } from "./own.ts";
import { policyOf } from "./policy.ts";

/** How many may hold a slot of a pool at once. */
export interface PoolLimit {
  readonly pool: string;
  readonly limit: number;
}

const teamPrefix = "team:";
const stepPrefix = "step:";

/**
 * The limits that a step's jobs count against, each a pool they need a slot of: that of the mode or
 * conf type, the team, and the step itself. A job takes all or none, so none is held in vain.
 */
export function poolLimits(settings: Settings, step: PlanStep): PoolLimit[] {
  const limits: PoolLimit[] = [];
  const add = (pool: string, limit: number | null | undefined) => {
    if (limit !== null && limit !== undefined) limits.push({ pool, limit });
  };
  const shared = own(settings.poolOfMode, step.mode) ?? settings.poolOfConfType[step.confType];
  if (shared !== undefined) add(shared, own(settings.pools, shared)?.limit);
  add(`${teamPrefix}${step.team}`, own(settings.teams, step.team)?.limit);
  add(`${stepPrefix}${step.id}`, policyOf(settings, step).maxActiveRuns);
  return limits;
}

/** The limit of a pool as settings have it now; 1 for what holds a thing there is one of. */
export function limitOf(
  settings: Settings,
  pool: string,
  stepOf: (id: StepId) => PlanStep | undefined,
): number {
  if (pool.startsWith(teamPrefix)) {
    return own(settings.teams, pool.slice(teamPrefix.length))?.limit ?? 1;
  }
  if (pool.startsWith(stepPrefix)) {
    const step = stepOf(pool.slice(stepPrefix.length));
    return step === undefined ? 1 : (policyOf(settings, step).maxActiveRuns ?? 1);
  }
  return own(settings.pools, pool)?.limit ?? 1;
}

/** The pools that settings limit by themselves and by team. Those of steps are as many as steps. */
export function sharedPools({ pools, teams }: Pick<Settings, "pools" | "teams">): PoolLimit[] {
  return [
    ...Object.entries(pools).map(([pool, { limit }]) => ({ pool, limit })),
    ...Object.entries(teams).flatMap(([team, { limit }]) =>
      limit === undefined ? [] : [{ pool: `${teamPrefix}${team}`, limit }],
    ),
  ];
}
