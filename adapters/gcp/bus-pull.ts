import {
  Duration,
  type Message,
  type PubSub,
  SubscriptionCloseBehaviors,
} from "@google-cloud/pubsub";
import type { Subscriber } from "rxjs";
import type { Delivery } from "../../ports/bus.ts";
import { readEvent } from "../../schemas/read-event.ts";
import { publishLetter } from "./bus-dead-letters.ts";
import { traceIn } from "./bus-messages.ts";
import { gate } from "./gate.ts";
import { pubsubError, REOPENING } from "./pubsub-errors.ts";
import type { BusTopics } from "./pubsub-topics.ts";

export interface PullOptions {
  readonly pubsub: PubSub;
  readonly topics: BusTopics;
  readonly unackedMax: number;
  readonly leaseMs: number;
  readonly out: Subscriber<Delivery>;
}

/** How long acks may still come after a subscriber left, for work that was under way. */
const graceMs = 1_000;
/**
 * How long acks, and receipts of what came, are gathered for one request. Nobody waits for them, but what
 * is given back waits as long.
 */
const gatherMs = 100;
/** Of the room for deliveries, the part that is kept for commands: people wait for those. */
const commandShare = 0.1;

/**
 * Pulls events and commands until told to stop. The room is divided between the two streams, so
 * that Pub/Sub sends no more than fits and the rest stays where other replicas find it.
 */
export function pull({ pubsub, topics, unackedMax, leaseMs, out }: PullOptions): {
  /** Resolves when everything was given back or acked. */
  stop(): Promise<void>;
} {
  const hall = gate({ unackedMax, leaseMs, out });
  const letters = pubsub.topic(topics.deadLetters.topic);
  const commandsMax = Math.max(1, Math.floor(unackedMax * commandShare));
  const rooms = { commands: commandsMax, events: Math.max(1, unackedMax - commandsMax) };

  const bury = async (message: Message, letter: { id: string; reason: string }) => {
    try {
      await publishLetter(letters, { ...letter, data: message.data });
      message.ack();
    } catch {
      message.nack();
    }
  };
  const subscriptions = (["events", "commands"] as const).map((source) => {
    const subscription = pubsub.subscription(topics[source].subscription, {
      ...streaming(rooms[source]),
      maxExtensionTime: Duration.from({ milliseconds: leaseMs + 60_000 }),
    });
    subscription.on("message", (message: Message) => {
      const id = `${source}-${message.id}`;
      const read = readEvent(message.data.toString());
      if (read.kind === "unreadable") void bury(message, { id, reason: read.reason });
      else {
        hall.arrive({
          id,
          event: read.event,
          attempt: Math.max(1, message.deliveryAttempt),
          ...traceIn(message.attributes),
          settle: (how) => message[how](),
        });
      }
    });
    subscription.on("error", (cause) => out.error(pubsubError(`pull ${subscription.name}`, cause)));
    return subscription;
  });
  return {
    async stop() {
      hall.end();
      await Promise.all(subscriptions.map((subscription) => subscription.close()));
    },
  };
}

/**
 * One stream, since the bound is one of each stream. The gate holds what exceeds the room, rather
 * than the library, which would keep it from everybody else for as long as nobody acks.
 */
function streaming(maxMessages: number) {
  return {
    flowControl: { maxMessages, allowExcessMessages: true },
    streamingOptions: { maxStreams: 1, ...REOPENING },
    minAckDeadline: Duration.from({ seconds: 10 }),
    maxAckDeadline: Duration.from({ seconds: 30 }),
    batching: { maxMessages: 1_000, maxMilliseconds: gatherMs },
    closeOptions: {
      behavior: SubscriptionCloseBehaviors.WaitForProcessing,
      // Of this the library keeps the last second for giving back what was not acked.
      timeout: Duration.from({ milliseconds: graceMs + 1_000 }),
    },
  };
}
