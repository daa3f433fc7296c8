import type { Subscriber } from "rxjs";
import type { DeadLetter, Delivery } from "../../ports/bus.ts";
import { RetryableError } from "../../ports/errors.ts";
import { readEvent } from "../../schemas/read-event.ts";
import { leases } from "./bus-leases.ts";
import type { Queue, Taken } from "./bus-queue.ts";
import type { Settlements } from "./bus-settlements.ts";

/** How often a subscription looks for what other processes published. */
const pollMs = 100;
/** How long it pauses at most while the file cannot be written. */
const pauseMaxMs = 5_000;
/** Events taken in one transaction, so that no turn holds up the process for long. */
const takenMax = 1_000;

export interface SubscriptionOptions {
  readonly queue: Queue;
  readonly settlements: Settlements;
  /** In whose name events are leased. */
  readonly owner: string;
  readonly unackedMax: number;
  readonly leaseMs: number;
  readonly out: Subscriber<Delivery>;
}

/** One subscriber of an opening of the bus. */
export interface Subscription {
  /** There may be something to take, or to write down. */
  wake(): void;
  /** Completes the subscriber, which ends the subscription. */
  complete(): void;
  /** Gives back what was delivered and is not settled. A later ack still counts. */
  end(): void;
}

/**
 * Turn after turn: write down what was settled, take what there is room for, hand it over. A turn
 * happens when something was published or settled in this process, when a held event comes free,
 * and every `pollMs`.
 */
export function subscription(options: SubscriptionOptions): Subscription {
  const { queue, settlements, owner, unackedMax, leaseMs, out } = options;
  const held = leases();

  const turn = (): number => {
    const now = Date.now();
    held.releaseEnded(now);
    const room = Math.min(takenMax, unackedMax - held.count());
    const { taken, heldUntil } = settlements.write((settled) =>
      queue.turn({ ...settled, owner, room, leaseMs, now }),
    );
    held.add(taken, now + leaseMs);
    handOver(taken);
    if (taken.length === takenMax) setImmediate(turns.wake);
    if (held.count() >= unackedMax) return pollMs;
    return Math.max(1, Math.min(pollMs, (heldUntil ?? Infinity) - Date.now()));
  };
  /** What is no event is put aside last: that may fail, and is tried again when its lease ends. */
  const handOver = (taken: readonly Taken[]) => {
    const letters: [Taken, DeadLetter][] = [];
    for (const one of taken) {
      if (turns.ended()) return;
      const read = readEvent(one.body);
      if (read.kind === "event") out.next({ ...settling(one), event: read.event });
      else letters.push([one, { id: `${one.seq}`, body: read.found, ...read, at: Date.now() }]);
    }
    for (const [one, letter] of letters) {
      queue.putAside(letter);
      held.release(one);
    }
  };
  const settling = ({ seq, attempt }: Taken): Omit<Delivery, "event"> => ({
    id: `${seq}`,
    attempt,
    ack() {
      held.release({ seq, attempt });
      settlements.ack(seq);
    },
    nack() {
      held.release({ seq, attempt });
      settlements.nack({ seq, attempt });
    },
  });

  const turns = turning(turn, (cause) => out.error(cause));
  turns.wake();
  return {
    wake: turns.wake,
    complete: () => out.complete(),
    end() {
      turns.end();
      giveBack(queue, held.releaseAll());
    },
  };
}

/**
 * Calls `turn` soon after each `wake`, once for many, and again after the delay it answers. While it
 * throws `RetryableError` it is called less and less often; any other error ends it.
 */
function turning(turn: () => number, fail: (cause: unknown) => void) {
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = pollMs;
  let woken = false;
  let ended = false;
  const wake = () => {
    if (woken) return;
    woken = true;
    queueMicrotask(next);
  };
  const next = () => {
    woken = false;
    if (ended) return;
    clearTimeout(timer);
    let delayMs: number;
    try {
      delayMs = turn();
      pauseMs = pollMs;
    } catch (cause) {
      if (!(cause instanceof RetryableError)) return fail(cause);
      delayMs = pauseMs;
      pauseMs = Math.min(pauseMaxMs, pauseMs * 2);
    }
    if (!ended) timer = setTimeout(wake, delayMs);
  };
  return {
    wake,
    ended: () => ended,
    end() {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** When it cannot be done now, the leases end by themselves. */
function giveBack(queue: Queue, unsettled: Parameters<Queue["giveBack"]>[0]): void {
  try {
    if (unsettled.length > 0) queue.giveBack(unsettled);
  } catch (cause) {
    if (!(cause instanceof RetryableError)) throw cause;
  }
}
