import type { EpochMs } from "../../schemas/ids.ts";
import type { Taken } from "./bus-queue.ts";

type Lease = Pick<Taken, "seq" | "attempt">;

/** What a subscription took and has not settled. The file knows it too, but not whose it is. */
export interface Leases {
  count(): number;
  add(taken: readonly Lease[], until: EpochMs): void;
  /** Does nothing when the lease has ended or was followed by another. */
  release(lease: Lease): void;
  /** Leases that ended make room again. */
  releaseEnded(now: EpochMs): void;
  releaseAll(): readonly Lease[];
}

/** Leases of one length, so that those added first end first. */
export function leases(): Leases {
  const held = new Map<number, { readonly lease: Lease; readonly until: EpochMs }>();
  return {
    count: () => held.size,
    add(taken, until) {
      for (const lease of taken) {
        held.delete(lease.seq);
        held.set(lease.seq, { lease, until });
      }
    },
    release({ seq, attempt }) {
      if (held.get(seq)?.lease.attempt === attempt) held.delete(seq);
    },
    releaseEnded(now) {
      for (const [seq, { until }] of held) {
        if (until > now) return;
        held.delete(seq);
      }
    },
    releaseAll() {
      const all = [...held.values()].map(({ lease }) => lease);
      held.clear();
      return all;
    },
  };
}
