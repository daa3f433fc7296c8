import { type PublishOptions, PubSub, type Topic } from "@google-cloud/pubsub";
import { Observable, type Subscriber } from "rxjs";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { Trace } from "../../schemas/trace.ts";
import { publishLetter, readLetters } from "./bus-dead-letters.ts";
import { isCommand, messageOf, newTrace } from "./bus-messages.ts";
import { pull } from "./bus-pull.ts";
import { pubsubError, RECONNECTING, reopening } from "./pubsub-errors.ts";
import type { BusTopics } from "./pubsub-topics.ts";

export interface PubsubBusOptions {
  readonly project: string;
  readonly topics: BusTopics;
  /** Another place than Google's, `host:port`, for tests; the emulator's by its own variable. */
  readonly apiEndpoint?: string;
  /** After so long without an answer whoever publishes is told. */
  readonly answersWithinMs?: number;
}

/**
 * Pub/Sub as the bus. What it does not promise by itself, `gate.ts` adds.
 *
 * A trace is the message's attribute `traceparent`; without one in hand a new one begins.
 *
 * Ids are those of Pub/Sub, with the topic they came by. An attempt is what Pub/Sub counts, which
 * is close to the truth. Deliveries end with a `PermanentError` when a subscription is gone or may
 * not be read; while Pub/Sub is out of reach they wait.
 */
export function pubsubBus(options: PubsubBusOptions): Bus {
  const { project, topics, apiEndpoint, answersWithinMs = 30_000 } = options;
  const pubsub = new PubSub({
    projectId: project,
    ...RECONNECTING,
    ...(apiEndpoint === undefined ? {} : { apiEndpoint }),
  });
  const publishing = publishOptions(answersWithinMs);
  const events = pubsub.topic(topics.events.topic, publishing);
  const commands = pubsub.topic(topics.commands.topic, publishing);
  const letters = pubsub.topic(topics.deadLetters.topic, publishing);
  const subscribers = tracked();
  const putAside = new WeakSet<Delivery>();
  let closed = false;
  const mustBeOpen = () => {
    if (closed) throw new Error(`the bus on ${topics.events.topic} was closed`);
  };

  return {
    async publish(all, trace = newTrace()) {
      mustBeOpen();
      await Promise.all([
        publishAll(
          events,
          trace,
          all.filter((event) => !isCommand(event)),
        ),
        publishAll(commands, trace, all.filter(isCommand)),
      ]);
    },
    deliveries: ({ unackedMax, leaseMs }) =>
      new Observable<Delivery>((out) => {
        mustBeOpen();
        const pulling = pull({ pubsub, topics, unackedMax, leaseMs, out });
        return subscribers.add(out, () => pulling.stop());
      }).pipe(reopening()),
    async deadLetter(delivery, reason) {
      if (putAside.has(delivery)) return;
      const data = Buffer.from(JSON.stringify(delivery.event));
      await publishLetter(letters, { id: delivery.id, data, reason });
      putAside.add(delivery);
      delivery.ack();
    },
    deadLetters: (limit) => readLetters(pubsub, topics.deadLetters, limit),
    async close() {
      if (closed) return;
      closed = true;
      await subscribers.end();
      await pubsub.close();
    },
  };
}

/** Who listens at this moment, and whose leaving is not finished. */
function tracked() {
  const listening = new Set<Subscriber<Delivery>>();
  const leaving = new Set<Promise<void>>();
  return {
    /** Answers what is to be done when the subscriber leaves. */
    add(out: Subscriber<Delivery>, stop: () => Promise<void>) {
      listening.add(out);
      return () => {
        listening.delete(out);
        const left = stop().finally(() => leaving.delete(left));
        leaving.add(left);
      };
    },
    async end() {
      for (const out of listening) out.complete();
      await Promise.all(leaving);
    },
  };
}

/**
 * A batch is what was published in the same millisecond; the library would wait for more. Its limits
 * are Pub/Sub's, with room to spare.
 *
 * Not by `flush`: that resolves when the library has nothing more to send, which where much is
 * published at once is not until other calls are answered, and the next ones, too.
 */
function publishOptions(answersWithinMs: number): PublishOptions {
  return {
    batching: { maxMessages: 1_000, maxBytes: 5_000_000, maxMilliseconds: 1 },
    gaxOpts: {
      timeout: answersWithinMs,
      // By itself the library waits four times longer each time, up to a minute: connections that
      // broke for five seconds would keep all publishing waiting for long after they are back.
      retry: {
        backoffSettings: {
          initialRetryDelayMillis: 100,
          retryDelayMultiplier: 1.5,
          maxRetryDelayMillis: 1_000,
          initialRpcTimeoutMillis: answersWithinMs,
          rpcTimeoutMultiplier: 1,
          maxRpcTimeoutMillis: answersWithinMs,
          totalTimeoutMillis: answersWithinMs,
        },
      },
    },
  };
}

async function publishAll(topic: Topic, trace: Trace, events: readonly LandfallEvent[]) {
  if (events.length === 0) return;
  try {
    await Promise.all(events.map((event) => topic.publishMessage(messageOf(event, trace))));
  } catch (cause) {
    throw pubsubError(`publish on ${topic.name}`, cause);
  }
}
