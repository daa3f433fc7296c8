import type { Subscriber } from "rxjs";
import type { Delivery } from "../../ports/bus.ts";
import { readEvent } from "../../schemas/read-event.ts";
import type { Letter } from "./bus-dead-letters.ts";
import { traceIn } from "./bus-messages.ts";
import type { Gate } from "./gate.ts";
import type { PushOutcome } from "./push-handler.ts";
import type { Pushed } from "./push-message.ts";

/** How long what is in hand may still be acked after a subscriber left. */
const graceMs = 1_000;

export interface ReceptionOptions {
  /** Makes a message that is no event durable elsewhere; only then it counts as handled. */
  readonly putAside: (letter: Letter) => Promise<void>;
  readonly sleep: (delayMs: number) => Promise<void>;
}

/** Where pushed messages meet those who listen. */
export interface Reception {
  /**
   * Hands an event to whoever listens, and resolves once it is settled: what is answered then is what
   * became of it. What is no event is put aside.
   */
  take(pushed: Pushed): Promise<PushOutcome>;
  /** Whether anybody listens. */
  isOpen(): boolean;
  /** Begins to hand over through a gate; answers what is to be done when the subscriber leaves. */
  open(out: Subscriber<Delivery>, hall: Gate): () => void;
  /** Completes every subscriber; resolves when what they had in hand was given back or acked. */
  end(): Promise<void>;
}

export function reception({ putAside, sleep }: ReceptionOptions): Reception {
  const halls = hallsOf(sleep);
  return {
    isOpen: () => halls.any(),
    open: (out, hall) => halls.open(out, hall),
    end: () => halls.end(),
    async take({ id, data, attributes, attempt }) {
      const read = readEvent(data.toString());
      if (read.kind === "unreadable") {
        await putAside({ id, data, reason: read.reason });
        return "put-aside";
      }
      const hall = halls.next();
      if (hall === null) return "nobody-listens";
      return new Promise((resolve) => {
        const settle = (how: "ack" | "nack") => resolve(how === "ack" ? "acked" : "nacked");
        hall.arrive({ id, event: read.event, attempt, ...traceIn(attributes), settle });
      });
    },
  };
}

/** The gates of those who listen, taken in turn. */
function hallsOf(sleep: ReceptionOptions["sleep"]) {
  const open = new Map<Gate, Subscriber<Delivery>>();
  const leaving = new Set<Promise<void>>();
  const leave = async (hall: Gate) => {
    open.delete(hall);
    hall.end();
    if (hall.isEmpty()) return;
    await sleep(graceMs);
    hall.giveBack();
  };
  return {
    any: () => open.size > 0,
    next(): Gate | null {
      for (const [hall, out] of open) {
        open.delete(hall);
        open.set(hall, out);
        return hall;
      }
      return null;
    },
    open(out: Subscriber<Delivery>, hall: Gate) {
      open.set(hall, out);
      return () => {
        const left = leave(hall).finally(() => leaving.delete(left));
        leaving.add(left);
      };
    },
    async end() {
      for (const out of open.values()) out.complete();
      await Promise.all(leaving);
    },
  };
}
