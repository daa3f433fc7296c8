import { type Random, randomOf } from "../../adapters/simulated/random.ts";
import { hourMs, start } from "./times.ts";

/** Jobs on Dataproc instead of at a runner that tells of them. */
export interface DataprocWorkload {
  /** How often jobs are listed while any is active, and while none is. */
  readonly activeLookMs: number;
  readonly idleLookMs: number;
  /** Until the last fault is over nobody is told what jobs write, and no job is found by its id. */
  readonly onlyLists: boolean;
  /** When the quota of job operations is used up by somebody else. */
  readonly usedUp: readonly { readonly from: number; readonly until: number }[];
}

/** What Google Cloud does differently in some seeds, drawn apart so that all others stay as they were. */
export interface CloudWorkload {
  /**
   * Pub/Sub posts each event to any replica, which answers when it is handled; what is not answered
   * within the deadline is posted again. Null: events are pulled.
   */
  readonly push: { readonly deadlineMs: number } | null;
  readonly dataproc: DataprocWorkload | null;
}

export function cloudWorkloadOf(seed: number, faultsEnd: number): CloudWorkload {
  const pushing = randomOf(seed, "pushing");
  const dataproc = randomOf(seed, "dataproc");
  const isPushed = pushing.chance(0.2);
  const isOnDataproc = dataproc.chance(0.15);
  return {
    push: isPushed ? { deadlineMs: pushing.pick([10_000, 10_000, 60_000, 600_000]) } : null,
    dataproc: isOnDataproc ? dataprocOf(dataproc, faultsEnd) : null,
  };
}

function dataprocOf(random: Random, faultsEnd: number): DataprocWorkload {
  const activeLookMs = random.pick([120_000, 300_000, 600_000]);
  return {
    activeLookMs,
    idleLookMs: 1_800_000,
    onlyLists: random.chance(0.5),
    usedUp: Array.from({ length: random.pick([0, 1, 3]) }, () => {
      const from = random.between(start, faultsEnd - hourMs);
      return { from, until: from + random.between(60_000, 5_400_000) };
    }),
  };
}
