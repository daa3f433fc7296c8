import type { Message, PubSub, SubscriptionMetadata } from "@google-cloud/pubsub";
import type { Bucket } from "@google-cloud/storage";
import { Observable, type Subscriber, share } from "rxjs";
import type { ObjectNotification } from "../../ports/object-store.ts";
import { objectError } from "./object-errors.ts";
import { isFolder, ObjectResource, objectInfo } from "./object-info.ts";
import { pubsubError, REOPENING, reopening } from "./pubsub-errors.ts";
import { type Channel, setUpChannel } from "./pubsub-topics.ts";
import type { Pushed } from "./push-message.ts";

export interface NotificationsOptions {
  readonly pubsub: PubSub;
  /** On the topic that the bucket's notifications go to; all replicas of a service share it. */
  readonly subscription: string;
  readonly bucket: string;
  /** Told of messages that are no notifications; they are acked all the same. */
  readonly warn: (message: string) => void;
}

/** How long acks, and receipts of what came, are gathered for one request: a crash only doubles hints. */
const gatherMs = 250;

export interface Notifications {
  readonly stream: Observable<ObjectNotification>;
  /** Resolves when nobody listens any more and what was acked is known to be. */
  ended(): Promise<void>;
}

/**
 * Objects as the bucket tells of them, each acked once it was handed on: they are hints, and
 * whoever listens also lists. Subscribers in one process share one stream; replicas share the
 * subscription, so that each object is told to one of them. While nobody listens Pub/Sub keeps
 * what happened.
 */
export function objectNotifications(options: NotificationsOptions): Notifications {
  const { pubsub, subscription: name, bucket, warn } = options;
  let ended = Promise.resolve();
  const source = new Observable<ObjectNotification>((out) => {
    const subscription = pubsub.subscription(name, {
      flowControl: { maxMessages: 1_000, allowExcessMessages: false },
      streamingOptions: { maxStreams: 1, ...REOPENING },
      batching: { maxMessages: 1_000, maxMilliseconds: gatherMs },
    });
    subscription.on("message", (message: Message) => {
      const notification = notificationOf(message, bucket);
      if (notification === "unreadable")
        warn(`message ${message.id} of ${name} is no notification`);
      else if (notification !== null) out.next(notification);
      message.ack();
    });
    subscription.on("error", (cause) => out.error(pubsubError(`listen to ${name}`, cause)));
    return () => {
      ended = subscription.close();
    };
  });
  return { stream: source.pipe(reopening(), share()), ended: () => ended };
}

/** Notifications that are pushed to this process. */
export interface PushedNotifications extends Notifications {
  /** Hands one on to whoever listens; without anybody it is nacked, so that it comes again. */
  take(pushed: Pushed): Promise<"acked" | "nobody-listens">;
}

/** As `objectNotifications`, of what is pushed: acked once it was handed on. */
export function pushedNotifications(
  options: Pick<NotificationsOptions, "bucket" | "warn">,
): PushedNotifications {
  const { bucket, warn } = options;
  const listening = new Set<Subscriber<ObjectNotification>>();
  return {
    stream: new Observable((out) => {
      listening.add(out);
      return () => listening.delete(out);
    }),
    async ended() {},
    async take(pushed) {
      if (listening.size === 0) return "nobody-listens";
      const notification = notificationOf(pushed, bucket);
      if (notification === "unreadable") warn(`message ${pushed.id} is no notification`);
      else if (notification !== null) for (const out of listening) out.next(notification);
      return "acked";
    },
  };
}

/** Null for what is not a finished object of this bucket: a topic may carry other news, too. */
function notificationOf(
  {
    attributes,
    data,
  }: { readonly attributes: Readonly<Record<string, string>>; readonly data: Buffer },
  bucket: string,
): ObjectNotification | "unreadable" | null {
  if (attributes["eventType"] !== "OBJECT_FINALIZE" || attributes["bucketId"] !== bucket) {
    return attributes["eventType"] === undefined ? "unreadable" : null;
  }
  const { objectId, objectGeneration } = attributes;
  const resource = ObjectResource.safeParse(jsonOf(data));
  if (!resource.success || resource.data.name !== objectId) return "unreadable";
  if (resource.data.generation !== Number(objectGeneration)) return "unreadable";
  return isFolder(resource.data.name) ? null : objectInfo(resource.data);
}

function jsonOf(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return null;
  }
}

/**
 * Makes the topic and the subscription, and has the bucket tell of finished objects there, unless
 * it does. One configuration without a prefix: a bucket takes ten for one kind of event, and the
 * prefixes that matter change with every release of configs. Cloud Storage's service agent needs
 * roles/pubsub.publisher on the topic.
 */
export async function setUpObjectNotifications(
  pubsub: PubSub,
  bucket: Bucket,
  channel: Channel & { readonly policies?: SubscriptionMetadata },
): Promise<void> {
  await setUpChannel(pubsub, channel, channel.policies);
  const topic = pubsub.topic(channel.topic).name;
  try {
    const [configured] = await bucket.getNotifications();
    if (configured.some(({ metadata }) => metadata?.topic?.endsWith(topic))) return;
    await bucket.createNotification(topic, {
      eventTypes: ["OBJECT_FINALIZE"],
      payloadFormat: "JSON_API_V1",
    });
  } catch (cause) {
    const doing = `have the bucket ${bucket.name} tell of its objects on ${topic}`;
    throw objectError({ doing, bucket: bucket.name }, cause);
  }
}
