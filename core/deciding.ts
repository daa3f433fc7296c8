import type { EpochMs } from "../schemas/ids.ts";
import type { Settings } from "../schemas/settings.ts";
import type { Draft } from "./draft.ts";
import type { PlanIndex } from "./plan-index.ts";

/** Everything a decision is made from. */
export interface Deciding {
  readonly plan: PlanIndex;
  readonly settings: Settings;
  readonly draft: Draft;
  /** When the documents were read. */
  readonly now: EpochMs;
  /** Who claims: the only one that may submit what is launched. */
  readonly by: string;
}
