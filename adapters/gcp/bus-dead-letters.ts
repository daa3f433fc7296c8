import type { Message, PubSub, Subscription, Topic } from "@google-cloud/pubsub";
import type { DeadLetter } from "../../ports/bus.ts";
import { pubsubError } from "./pubsub-errors.ts";
import type { Channel } from "./pubsub-topics.ts";

/** What is put aside, and where it was. */
export interface Letter {
  readonly id: string;
  readonly data: Buffer;
  readonly reason: string;
}

/** The longest value of an attribute that Pub/Sub takes, in bytes. */
const attributeMax = 1_024;

/**
 * Durable when resolved. The data is what was published, byte for byte, so that a person who mended
 * the reason can publish it again; the rest is in the attributes.
 */
export async function publishLetter(topic: Topic, { id, data, reason }: Letter): Promise<void> {
  const attributes = { id, reason: cutTo(attributeMax, reason), at: `${Date.now()}` };
  try {
    const published = topic.publishMessage({ data, attributes });
    await topic.flush();
    await published;
  } catch (cause) {
    throw pubsubError(`put a message aside on ${topic.name}`, cause);
  }
}

/** How long to wait for the first letter, and for another after the last that came. */
const quietMs = 1_500;

/**
 * Reads letters from a subscription of their topic and gives all of them back, so that they are
 * there for the next reader, until somebody purges the subscription or 31 days are over.
 *
 * A subscription and not a collection of ours, because Pub/Sub puts messages aside by itself, too,
 * and those are only there. The price: a reader waits for the quiet after the last letter, and two
 * readers at once share the letters.
 */
export async function readLetters(
  pubsub: PubSub,
  { subscription: name }: Channel,
  limit: number,
): Promise<readonly DeadLetter[]> {
  const letters = new Map<string, DeadLetter>();
  if (limit < 1) return [];
  const subscription = pubsub.subscription(name, {
    flowControl: { maxMessages: limit, allowExcessMessages: false },
    streamingOptions: { maxStreams: 1 },
  });
  try {
    await untilQuiet(subscription, (message) => {
      const letter = letterOf(message);
      letters.set(letter.id, letter);
      return letters.size >= limit;
    });
  } finally {
    await subscription.close();
  }
  return [...letters.values()].toSorted((one, other) => other.at - one.at).slice(0, limit);
}

async function untilQuiet(
  subscription: Subscription,
  enough: (message: Message) => boolean,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let timer = setTimeout(resolve, quietMs);
    subscription.on("message", (message: Message) => {
      clearTimeout(timer);
      timer = setTimeout(resolve, enough(message) ? 0 : quietMs);
    });
    subscription.on("error", (cause) => {
      clearTimeout(timer);
      reject(pubsubError(`read dead letters from ${subscription.name}`, cause));
    });
  });
}

/** Ours carry their id and reason; those that Pub/Sub put aside carry how often it tried. */
function letterOf({ id, data, attributes, publishTime }: Message): DeadLetter {
  const tried = attributes["CloudPubSubDeadLetterSourceDeliveryCount"];
  return {
    id: attributes["id"] ?? id,
    body: bodyOf(data.toString()),
    reason: attributes["reason"] ?? `delivered ${tried ?? "many"} times and never acked`,
    at: Number(attributes["at"] ?? publishTime.getTime()),
  };
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Cut between characters, so that what is left is text. */
function cutTo(bytes: number, text: string): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  return `${new TextDecoder().decode(whole.subarray(0, bytes - 8)).replace(/\ufffd+$/, "")}…`;
}
