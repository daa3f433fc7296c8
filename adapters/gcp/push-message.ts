import { z } from "zod";

/** What Pub/Sub posts to a push endpoint. */
const PushRequest = z.object({
  message: z.object({
    data: z.string().default(""),
    messageId: z.string().min(1),
    attributes: z.record(z.string(), z.string()).default({}),
  }),
  subscription: z.string().min(1),
  deliveryAttempt: z.number().int().min(1).default(1),
});

/** A message as it was pushed. */
export interface Pushed {
  /** The subscription's name, then the id that Pub/Sub gave the message. */
  readonly id: string;
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  /** Counted by Pub/Sub when the subscription has a dead-letter policy; 1 without. */
  readonly attempt: number;
}

/** Null when the body is not what Pub/Sub posts, as when payload unwrapping is on. */
export function pushedMessage(body: Buffer): Pushed | null {
  const parsed = PushRequest.safeParse(jsonOf(body));
  if (!parsed.success) return null;
  const { message, subscription, deliveryAttempt } = parsed.data;
  return {
    id: `${subscription.split("/").at(-1)}-${message.messageId}`,
    data: Buffer.from(message.data, "base64"),
    attributes: message.attributes,
    attempt: deliveryAttempt,
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return null;
  }
}
