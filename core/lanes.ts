import type { EpochMs } from "../schemas/ids.ts";
import type { Lane } from "../schemas/lane.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Deciding } from "./deciding.ts";

/** Turns are given this far ahead, as a share of the time a claim has to be submitted. */
const horizonShare = 0.5;

const prefix = "lane:";

/** The pool that a lane's turns are kept in, and that tasks which wait for a turn are queued for. */
export function lanePool({ name }: Lane): string {
  return `${prefix}${name}`;
}

export function isLanePool(pool: string): boolean {
  return pool.startsWith(prefix);
}

/** When a job may be submitted; or the lane in which no turn is near enough to be claimed now. */
export type Turn =
  | { readonly kind: "at"; readonly at: EpochMs }
  | { readonly kind: "later"; readonly lane: Lane };

/**
 * The turn of a step's next job: the first moment that is free in all its lanes. Only what can be
 * submitted in time is claimed (I6); what is claimed again after a crash takes no turn, limits leave
 * room for that.
 */
export function nextTurn(deciding: Deciding, step: PlanStep): Turn {
  const { now } = deciding;
  const lanes = deciding.lanes(step);
  deciding.draft.need(lanes.map((lane) => `pools/${lanePool(lane)}` as const));
  let at = now;
  for (const lane of lanes) {
    const free = deciding.draft.get(`pools/${lanePool(lane)}`)?.nextAt ?? now;
    if (free > now + horizonMs(deciding)) return { kind: "later", lane };
    at = Math.max(at, free);
  }
  return { kind: "at", at };
}

/** Takes the turn in all lanes of a step. */
export function takeTurn(deciding: Deciding, step: PlanStep, at: EpochMs): void {
  for (const lane of deciding.lanes(step)) {
    const name = lanePool(lane);
    const nextAt = at + Math.ceil(60_000 / lane.perMinute);
    deciding.draft.put(`pools/${name}`, {
      schema: 1,
      name,
      limit: lane.perMinute,
      nextAt,
      holders: {},
    });
  }
}

/** How many turns of a lane can be claimed now, by what its pool says. */
export function turnsFree(
  lane: Lane,
  { nextAt, now, submitWithinMs }: { nextAt: EpochMs; now: EpochMs; submitWithinMs: number },
): number {
  const last = now + submitWithinMs * horizonShare;
  return Math.max(0, Math.floor(((last - Math.max(now, nextAt)) * lane.perMinute) / 60_000) + 1);
}

function horizonMs({ settings }: Deciding): number {
  return settings.submitWithinMs * horizonShare;
}
