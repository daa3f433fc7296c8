import type { EpochMs } from "../schemas/ids.ts";
import type { Lane } from "../schemas/lane.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Deciding } from "./deciding.ts";

/** Turns are given this far ahead, as a share of the time a claim has to be submitted. */
const horizonShare = 0.5;
/** But no further ahead than this, or three turns of a lane where that is longer. */
const horizonMaxMs = 10_000;

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
  const { now, settings, draft } = deciding;
  const lanes = deciding.lanes(step);
  draft.need(turnsRead(deciding, step));
  let at = now;
  for (const lane of lanes) {
    const free = heldOf(deciding, lane)?.from ?? now + aheadOfNow(deciding, lane);
    if (free > now + horizonMs(lane, settings.submitWithinMs)) return { kind: "later", lane };
    at = Math.max(at, free);
  }
  return { kind: "at", at };
}

/** The documents that tell a step's next turn: of lanes whose turns nobody here took ahead. */
export function turnsRead(deciding: Deciding, step: PlanStep): `pools/${string}`[] {
  const lanes = deciding.lanes(step).filter((lane) => heldOf(deciding, lane) === null);
  return lanes.map((lane) => documentOf(lane));
}

/** Takes the turn in all lanes of a step. */
export function takeTurn(deciding: Deciding, step: PlanStep, at: EpochMs): void {
  for (const lane of deciding.lanes(step)) {
    const held = heldOf(deciding, lane);
    if (held !== null) deciding.turns.put(lane.name, { ...held, left: held.left - 1 });
    else if (blockOf(lane) > 1) takeBlock(deciding, lane);
    else keep(deciding, lane, at + Math.ceil(60_000 / lane.perMinute));
  }
}

/**
 * A lane that takes two submissions a second or more would have its document written by every
 * commit that claims, and two dispatchers would refuse each other's. So its turns are taken a second's
 * worth at a time, and used without looking at the document. A block is good from two seconds before
 * its time, so that dispatchers which hold one each do not wait for each other, and for five after it was taken.
 *
 * A minute can thus see a block for each dispatcher and two more above the limit, and what claims of
 * the ten seconds before it put off; limits leave a quarter for that.
 */
function takeBlock(deciding: Deciding, lane: Lane): void {
  const { now, turns, draft } = deciding;
  const size = blockOf(lane);
  const start = Math.max(now, draft.get(documentOf(lane))?.nextAt ?? now);
  keep(deciding, lane, start + Math.ceil((size * 60_000) / lane.perMinute));
  turns.put(lane.name, { from: start - blockEarlyMs, left: size - 1, until: now + blockKeptMs });
}

const blockEarlyMs = 2_000;
const blockKeptMs = 5_000;

/** Turns of a lane that are taken together. */
function blockOf({ perMinute }: Lane): number {
  return Math.max(1, Math.floor(perMinute / 60));
}

function heldOf({ turns, now }: Deciding, lane: Lane): Block | null {
  const held = turns.get(lane.name);
  return held !== undefined && held.left > 0 && now <= held.until ? held : null;
}

/** How long until a lane's next turn, as its document says; below 0 when it has been free. */
function aheadOfNow({ draft, now }: Deciding, lane: Lane): number {
  const nextAt = draft.get(documentOf(lane))?.nextAt ?? now;
  return nextAt - now - (blockOf(lane) > 1 ? blockEarlyMs : 0);
}

function keep({ draft }: Deciding, lane: Lane, nextAt: EpochMs): void {
  const name = lanePool(lane);
  draft.put(documentOf(lane), { schema: 1, name, limit: lane.perMinute, nextAt, holders: {} });
}

function documentOf(lane: Lane): `pools/${string}` {
  return `pools/${lanePool(lane)}`;
}

/** How many turns of a lane can be claimed now, by what its pool says. */
export function turnsFree(
  lane: Lane,
  { nextAt, now, submitWithinMs }: { nextAt: EpochMs; now: EpochMs; submitWithinMs: number },
): number {
  const last = now + horizonMs(lane, submitWithinMs);
  return Math.max(0, Math.floor(((last - Math.max(now, nextAt)) * lane.perMinute) / 60_000) + 1);
}

function horizonMs({ perMinute }: Lane, submitWithinMs: number): number {
  const fewTurnsMs = (3 * 60_000) / perMinute;
  return Math.min(submitWithinMs * horizonShare, Math.max(horizonMaxMs, fewTurnsMs));
}

/** Turns of a lane that were taken ahead: `left` of them, for submissions not before `from`. */
export interface Block {
  readonly from: EpochMs;
  readonly left: number;
  /** When they lapse. */
  readonly until: EpochMs;
}

/** The blocks that whoever decides holds, by lane, and what a decision makes of them. */
export interface Turns {
  get(lane: string): Block | undefined;
  put(lane: string, block: Block): void;
  /** All there are after the decision; they are held once it is committed. */
  held(): ReadonlyMap<string, Block>;
}

/** Blocks are lost with the process that holds them: then their turns are not used. */
export function turnsOver(before: ReadonlyMap<string, Block>): Turns {
  const held = new Map(before);
  return {
    get: (lane) => held.get(lane),
    put: (lane, block) => void held.set(lane, block),
    held: () => held,
  };
}
