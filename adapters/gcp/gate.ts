import type { Subscriber } from "rxjs";
import type { Delivery } from "../../ports/bus.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { Trace } from "../../schemas/trace.ts";

/** One message as Pub/Sub brought it, with the way back. */
export interface Arrival {
  readonly id: string;
  readonly event: LandfallEvent;
  readonly attempt: number;
  readonly trace?: Trace;
  /** Called once, and only once. */
  settle(how: "ack" | "nack"): void;
}

/** Milliseconds since any fixed moment, and being called back. */
export interface GateTime {
  now(): number;
  /** Answers how to cancel. */
  after(delayMs: number, done: () => void): () => void;
}

export interface GateOptions {
  readonly unackedMax: number;
  readonly leaseMs: number;
  readonly out: Subscriber<Delivery>;
  /** This machine's when left out. */
  readonly time?: GateTime;
}

const machineTime: GateTime = {
  now: () => performance.now(),
  after(delayMs, done) {
    const timer = setTimeout(done, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Stands between what Pub/Sub brings and whoever subscribed to deliveries. */
export interface Gate {
  arrive(arrival: Arrival): void;
  /** Whether nothing that was handed over waits to be settled. */
  isEmpty(): boolean;
  /** Nothing is handed over any more; what was not handed over goes back at once. */
  end(): void;
  /** What was handed over and is not settled goes back. */
  readonly giveBack: () => void;
}

/** What waits here while nothing moves goes back after this long: somebody else may be free. */
const stuckMs = 1_000;
/** Of how many acked messages the ids are kept, to know them when they are brought again. */
const rememberedMax = 10_000;

/**
 * Keeps the promises of the Bus port that Pub/Sub does not keep by itself: never more than
 * `unackedMax` in hand, whatever the number of streams and however many a server sends; leases of
 * any length, to the millisecond; an ack that counts after its lease has ended.
 */
export function gate({ unackedMax, leaseMs, out, time = machineTime }: GateOptions): Gate {
  const waiting: Arrival[] = [];
  let moved = time.now();
  let handing = false;
  let ended = false;
  let cancelLook: (() => void) | null = null;

  const handOver = () => {
    if (handing) return;
    handing = true;
    while (!ended && hand.count() < unackedMax) {
      const arrival = waiting.shift();
      if (arrival === undefined) break;
      moved = time.now();
      if (!hand.knows(arrival)) out.next(hand.take(arrival));
    }
    handing = false;
  };
  const hand = inHand({ leaseMs, time }, handOver);
  const sendBack = () => {
    for (const arrival of waiting.splice(0)) arrival.settle("nack");
  };
  const lookIfStuck = () => {
    if (cancelLook !== null || waiting.length === 0) return;
    cancelLook = time.after(stuckMs, () => {
      cancelLook = null;
      if (time.now() - moved >= stuckMs) sendBack();
      lookIfStuck();
    });
  };

  return {
    arrive(arrival) {
      if (ended) return arrival.settle("nack");
      if (hand.knows(arrival)) return;
      if (waiting.length === 0) moved = time.now();
      waiting.push(arrival);
      handOver();
      lookIfStuck();
    },
    isEmpty: () => hand.count() === 0,
    end() {
      ended = true;
      cancelLook?.();
      sendBack();
      hand.stopClocks();
    },
    giveBack: hand.giveBack,
  };
}

/** Deliveries that were handed over and are neither settled nor past their lease. */
interface Hand {
  count(): number;
  /** True for a message that is in hand, which it joins, and for one that was acked, which is so again. */
  knows(arrival: Arrival): boolean;
  take(arrival: Arrival): Delivery;
  stopClocks(): void;
  readonly giveBack: () => void;
}

interface Lease {
  readonly id: string;
  /** More than one when Pub/Sub brought the message again while it was in hand. */
  readonly arrivals: Arrival[];
  /** Ends the clock of the lease. */
  readonly stopClock: () => void;
}

function inHand(
  { leaseMs, time }: { readonly leaseMs: number; readonly time: GateTime },
  madeRoom: () => void,
): Hand {
  const leases = new Map<string, Lease>();
  const acked = remembered(rememberedMax);
  const release = (lease: Lease | undefined, how: "ack" | "nack") => {
    if (lease === undefined || leases.get(lease.id) !== lease) return;
    leases.delete(lease.id);
    lease.stopClock();
    for (const arrival of lease.arrivals) arrival.settle(how);
    madeRoom();
  };
  return {
    count: () => leases.size,
    knows(arrival) {
      if (acked.has(arrival.id)) {
        arrival.settle("ack");
        return true;
      }
      const same = leases.get(arrival.id);
      same?.arrivals.push(arrival);
      return same !== undefined;
    },
    take(arrival) {
      const { id, event, attempt, trace } = arrival;
      const stopClock = time.after(leaseMs, () => release(leases.get(id), "nack"));
      const lease: Lease = { id, arrivals: [arrival], stopClock };
      leases.set(id, lease);
      return {
        id,
        event,
        attempt,
        ...(trace === undefined ? {} : { trace }),
        ack() {
          acked.add(id);
          release(leases.get(id), "ack");
        },
        nack: () => release(lease, "nack"),
      };
    },
    stopClocks() {
      for (const { stopClock } of leases.values()) stopClock();
    },
    giveBack() {
      for (const lease of leases.values()) release(lease, "nack");
    },
  };
}

/** The newest ids, as many as fit. */
function remembered(max: number): { add(id: string): void; has(id: string): boolean } {
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add(id) {
      ids.add(id);
      for (const oldest of ids) {
        if (ids.size <= max) return;
        ids.delete(oldest);
      }
    },
  };
}
