import { Observable } from "rxjs";
import { type GateTime, gate } from "../../adapters/gcp/gate.ts";
import { reception } from "../../adapters/gcp/push-reception.ts";
import type { SimulatedTime } from "../../adapters/simulated/clock.ts";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Faults } from "./faults.ts";
import { answered, type Life, never, whileAlive } from "./life.ts";
import { eventInWords } from "./words.ts";

/** A subscription that posts each event to any replica, again and again until one answers in time. */
export interface Pushing {
  /** Requests come until the process stops listening; those that are open then are cut. */
  listen(replica: Replica): () => void;
}

/** A process that takes requests. */
export interface Replica {
  readonly name: string;
  /** Whether it answered that the event was handled; never, when it died. */
  post(delivery: Delivery): Promise<boolean>;
}

export interface PushingOptions {
  readonly bus: Bus;
  readonly time: SimulatedTime;
  readonly faults: Faults;
  readonly deadlineMs: number;
  readonly isOut: () => boolean;
}

interface Listening {
  readonly replica: Replica;
  /** Ends each open request without an answer. */
  readonly cuts: Set<() => void>;
}

/** Requests that Cloud Run lets an instance have at once. */
const requestsMax = 80;
const backoffMs = { least: 100, most: 60_000 };
/** Longer than any run: what is posted here is nobody else's. */
const foreverMs = 1_000 * 86_400_000;

export function pushing({ bus, time, faults, deadlineMs, isOut }: PushingOptions): Pushing {
  const listening = new Set<Listening>();
  const postIn = (delayMs: number, delivery: Delivery, nth: number) =>
    time.at(time.now() + delayMs, () => post(delivery, nth));

  const post = (delivery: Delivery, nth: number) => {
    const where = `the push of ${eventInWords(delivery.event)}`;
    const again = () => {
      const most = Math.min(backoffMs.most, backoffMs.least * 2 ** nth);
      postIn(faults.drawn(`${where} again`, most / 2, most), delivery, nth + 1);
    };
    const free = [...listening].filter(({ cuts }) => cuts.size < requestsMax);
    const chosen = free[faults.drawn(`who gets ${where}`, 0, Math.max(0, free.length - 1))];
    if (chosen === undefined || isOut() || faults.strikes("push-refused", where)) return again();
    const { replica, cuts } = chosen;
    let open = true;
    const close = () => {
      open = false;
      cuts.delete(cut);
      cancelDeadline();
    };
    const cut = () => {
      if (!open) return;
      close();
      again();
    };
    const cancelDeadline = time.at(time.now() + deadlineMs, cut);
    cuts.add(cut);
    void replica.post({ ...delivery, attempt: nth }).then((handled) => {
      // What is answered late is answered to nobody.
      if (!open || faults.strikes("push-answer-lost", `${replica.name}: the answer to ${where}`)) {
        return;
      }
      if (!handled) return cut();
      close();
      delivery.ack();
    });
  };

  bus.deliveries({ unackedMax: 1_000, leaseMs: foreverMs }).subscribe((delivery) => {
    postIn(faults.drawn(`the push of ${eventInWords(delivery.event)}`, 0, 30), delivery, 1);
  });
  return {
    listen(replica) {
      const one: Listening = { replica, cuts: new Set() };
      listening.add(one);
      return () => {
        listening.delete(one);
        for (const cut of one.cuts) cut();
      };
    },
  };
}

/** Deliveries as they come through the receiver of Google Cloud. */
export function pushedDeliveries(
  life: Life,
  source: Pushing,
  options: { readonly unackedMax: number; readonly leaseMs: number },
): Observable<Delivery> {
  const { name, place } = life;
  const time: GateTime = {
    now: () => place.time.now(),
    after: (delayMs, done) => place.time.at(place.time.now() + delayMs, done),
  };
  const received = new Observable<Delivery>((out) => {
    const halls = reception({
      putAside: never,
      sleep: (delayMs) => place.time.sleep(delayMs),
    });
    const leave = halls.open(out, gate({ ...options, out, time }));
    const stopListening = source.listen({
      name,
      async post({ id, event, attempt }) {
        const data = Buffer.from(JSON.stringify(event));
        const outcome = await halls.take({ id, data, attributes: {}, attempt });
        await answered(life, `${name}: answering the push of ${eventInWords(event)}`);
        return outcome === "acked";
      },
    });
    return () => {
      stopListening();
      leave();
    };
  });
  return whileAlive(life, received);
}
