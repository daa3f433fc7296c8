import type { PubSub, Subscription, SubscriptionMetadata } from "@google-cloud/pubsub";
import { pubsubError } from "./pubsub-errors.ts";

/** A topic, and the subscription through which Landfall reads it. */
export interface Channel {
  readonly topic: string;
  readonly subscription: string;
}

/**
 * The topics of one deployment. Events come from Landfall's own services; commands are published by
 * people and by other systems, which get the right to publish there and nowhere else.
 */
export interface BusTopics {
  readonly events: Channel;
  readonly commands: Channel;
  readonly deadLetters: Channel;
}

/** The names that a deployment uses, so that several of them fit into one project. */
export function busTopics(deployment: string): BusTopics {
  const channel = (name: string, reader: string): Channel => ({
    topic: `${deployment}-${name}`,
    subscription: `${deployment}-${name}-${reader}`,
  });
  return {
    events: channel("events", "dispatcher"),
    commands: channel("commands", "dispatcher"),
    deadLetters: channel("dead-letters", "people"),
  };
}

const day = 86_400;
/** The longest Pub/Sub keeps messages that nobody acked. Its emulator takes 7 days at most. */
const retentionDaysMax = 31;
/** A process that died keeps its messages this long; the living extend them while they work. */
const ackDeadlineS = 10;
const alreadyExists = 6;

/**
 * Creates what is not there and corrects what is, so it may be run before every deployment.
 *
 * Pub/Sub itself moves what was delivered 100 times without an ack (its maximum) to the dead
 * letters; its service agent needs roles/pubsub.publisher on that topic and
 * roles/pubsub.subscriber on the two subscriptions. The policy is also what makes it count
 * deliveries.
 */
export async function setUpBusTopics(
  pubsub: PubSub,
  topics: BusTopics,
  { retentionDays = retentionDaysMax }: { readonly retentionDays?: number } = {},
): Promise<void> {
  const { events, commands, deadLetters } = topics;
  const messageRetentionDuration = { seconds: retentionDays * day };
  await setUpChannel(pubsub, deadLetters, { messageRetentionDuration });
  const deadLetterTopic = pubsub.topic(deadLetters.topic).name;
  for (const channel of [events, commands]) {
    await setUpChannel(pubsub, channel, {
      messageRetentionDuration,
      retryPolicy: {
        minimumBackoff: { seconds: 0, nanos: 100_000_000 },
        maximumBackoff: { seconds: 60 },
      },
      deadLetterPolicy: { deadLetterTopic, maxDeliveryAttempts: 100 },
    });
  }
}

/**
 * One topic with one subscription. It never expires: without that an idle one is deleted after 31
 * days. No filter: filters cannot be changed later, and nobody may rely on them.
 */
export async function setUpChannel(
  pubsub: PubSub,
  { topic, subscription }: Channel,
  policies: SubscriptionMetadata = {},
): Promise<void> {
  const metadata: SubscriptionMetadata = {
    ackDeadlineSeconds: ackDeadlineS,
    expirationPolicy: {},
    ...policies,
  };
  try {
    await created(pubsub.createTopic(topic));
    const isNew = await created(pubsub.createSubscription(topic, subscription, metadata));
    if (!isNew) await correct(pubsub.subscription(subscription), metadata);
  } catch (cause) {
    throw pubsubError(`set up topic ${topic} with subscription ${subscription}`, cause);
  }
}

/** The emulator refuses to update an expiry, even to what it is. */
async function correct(subscription: Subscription, metadata: SubscriptionMetadata): Promise<void> {
  const [found] = await subscription.getMetadata();
  const { expirationPolicy: _, ...rest } = metadata;
  const expires = Boolean(found.expirationPolicy?.ttl);
  await subscription.setMetadata(expires ? metadata : rest);
}

/** False when it was there already. */
async function created(creation: Promise<unknown>): Promise<boolean> {
  try {
    await creation;
    return true;
  } catch (cause) {
    if ((cause as { code?: unknown }).code === alreadyExists) return false;
    throw cause;
  }
}
