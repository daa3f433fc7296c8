import type { Nacked, Settled, Taken } from "./bus-queue.ts";

/** How long a nacked event is held back: longer each time it was delivered. */
function holdBackMs(attempt: number): number {
  return Math.min(5_000, 10 * 2 ** Math.min(attempt - 1, 20));
}

/**
 * Acks and nacks of one opening that are not written down yet, so that a thousand acks are one
 * transaction. Those a crash takes away only mean that their events are delivered again.
 */
export interface Settlements {
  ack(seq: number): void;
  nack(taken: Pick<Taken, "seq" | "attempt">): void;
  /** Hands over all there are; they are kept when `write` throws. */
  write<T>(write: (settled: Settled) => T): T;
}

/** `flush` is called soon after the first of them, once the stack that settles has ended. */
export function settlements(flush: () => void): Settlements {
  let acked: number[] = [];
  let nacked: Nacked[] = [];
  let scheduled = false;
  const flushSoon = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      flush();
    });
  };
  return {
    ack(seq) {
      acked.push(seq);
      flushSoon();
    },
    nack({ seq, attempt }) {
      nacked.push({ seq, attempt, until: Date.now() + holdBackMs(attempt) });
      flushSoon();
    },
    write(write) {
      const result = write({ acked, nacked });
      acked = [];
      nacked = [];
      return result;
    },
  };
}
