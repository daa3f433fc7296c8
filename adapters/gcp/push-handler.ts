import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Log } from "../../ports/log.ts";
import type { Letter } from "./bus-dead-letters.ts";
import { type Pushed, pushedMessage } from "./push-message.ts";
import { type TokenRules, tokenVerifier } from "./push-token.ts";

/** What is answered. Pub/Sub takes 2xx for an ack and everything else for a nack. */
export const PUSH_ANSWERS = {
  acked: 204,
  "put-aside": 204,
  nacked: 503,
  unauthenticated: 401,
  forbidden: 403,
  "too-large": 413,
  "keys-unavailable": 503,
  "nobody-listens": 503,
  failed: 503,
} as const;
export type PushOutcome = keyof typeof PUSH_ANSWERS;

export interface PushHandlerOptions extends TokenRules {
  /** What becomes of a message; only then the request is answered. */
  readonly take: (pushed: Pushed) => Promise<PushOutcome>;
  /** Makes what is no message durable elsewhere. */
  readonly putAside: (letter: Letter) => Promise<void>;
  readonly log: Log;
}

/** Pub/Sub's largest message, as base64 in JSON. */
const bodyMax = 15_000_000;

/**
 * What becomes of one request: who sends it is verified before its body is read. Never throws:
 * whatever fails is a nack.
 */
export function pushHandler(
  options: PushHandlerOptions,
): (request: IncomingMessage) => Promise<PushOutcome> {
  const { putAside, log, take } = options;
  const verify = tokenVerifier(options);
  const handle = async (request: IncomingMessage): Promise<PushOutcome> => {
    const verdict = await verify(request.headers.authorization);
    if (verdict !== "accepted") {
      log.warn({ verdict }, "a push was refused");
      return verdict;
    }
    const body = await bodyOf(request);
    if (body === null) return "too-large";
    const pushed = pushedMessage(body);
    if (pushed !== null) return take(pushed);
    const reason = "not what Pub/Sub posts: is payload unwrapping on?";
    await putAside({ id: `push-${randomUUID()}`, data: body, reason });
    return "put-aside";
  };
  return async (request) => {
    try {
      return await handle(request);
    } catch (cause) {
      log.error({ cause: (cause as Error).message }, "a push could not be handled");
      return "failed";
    }
  };
}

/** Null when it is larger than any message. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
