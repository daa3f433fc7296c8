import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { Awaited } from "../../schemas/alerts.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { EpochMs, Partition, StepId } from "../../schemas/ids.ts";
import type { ClosingSettings } from "../closing.ts";
import { dayMs, hourMs, partitionAt } from "../dates.ts";
import type { View } from "../draft.ts";
import type { PlanIndex } from "../plan-index.ts";
import type { Signal } from "./signals.ts";

/** Something that should be so by now. Once it is so it stays so: its documents are read no more. */
export interface Expectation {
  /** Names it, and the day it is about. */
  readonly key: string;
  readonly documents: readonly DocumentId[];
  readonly met: (view: View) => boolean;
  readonly signal: (view: View) => Signal;
  /** The step without whose earlier success nothing is expected yet. */
  readonly afterFirst?: StepId;
  /** Who may wait for it; once none of them does it is as good as met. Left out: it is for its own sake. */
  readonly waiters?: readonly Waiter[];
}

/** A task that may wait for something. */
export interface Waiter {
  readonly documents: readonly DocumentId[];
  readonly waits: (view: View) => boolean;
}

/** A day of a table that an alert of a team is open for. */
export interface Held extends Awaited {
  readonly team: string;
}

export interface Expecting {
  readonly plan: PlanIndex;
  readonly settings: AlertSettings;
  readonly closing: ClosingSettings;
  readonly held: readonly Held[];
  readonly now: EpochMs;
}

/** The newest day that ended at least so many hours ago. */
export function newestDue(now: EpochMs, hours: number): Partition {
  return partitionAt(now - hours * hourMs - dayMs);
}
