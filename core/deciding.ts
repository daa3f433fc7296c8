import type { EpochMs } from "../schemas/ids.ts";
import type { Lane } from "../schemas/lane.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import type { Draft } from "./draft.ts";
import type { Turns } from "./lanes.ts";
import type { PlanIndex } from "./plan-index.ts";

/** Everything a decision is made from. */
export interface Deciding {
  readonly plan: PlanIndex;
  readonly settings: Settings;
  readonly draft: Draft;
  /** When the documents were read. */
  readonly now: EpochMs;
  /** Limits on submissions that a step's jobs count against. */
  readonly lanes: (step: PlanStep) => readonly Lane[];
  /** Turns of those that were taken ahead. */
  readonly turns: Turns;
  /** Who claims: the only one that may submit what is launched. */
  readonly by: string;
}

/** Where nothing limits how fast jobs are submitted. */
export const noLanes = (): readonly Lane[] => [];
