import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Observable, type Subscriber } from "rxjs";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Log } from "../../ports/log.ts";
import { readEvent } from "../../schemas/read-event.ts";
import type { Letter } from "./bus-dead-letters.ts";
import { traceIn } from "./bus-messages.ts";
import { type Gate, gate } from "./gate.ts";
import { PUSH_ANSWERS, type PushOutcome, pushHandler } from "./push-handler.ts";
import type { Pushed } from "./push-message.ts";
import type { TokenRules } from "./push-token.ts";

export interface PushReceiverOptions extends TokenRules {
  /** 0 for any free one. */
  readonly port: number;
  /** All interfaces unless said otherwise: Cloud Run asks for that. */
  readonly host?: string;
  /** Where Pub/Sub pushes to. */
  readonly path?: string;
  /** Makes a message that is no event durable elsewhere; only then it is answered as handled. */
  readonly putAside: (letter: Letter) => Promise<void>;
  /** Whether the service can handle anything at this moment; asked by `/readyz`. */
  readonly ready?: () => boolean;
  readonly log: Log;
}

/** How many requests there were of each kind, since the start. */
export type PushCounts = Readonly<Record<PushOutcome, number>>;

/** Deliveries by push, as the bus gives them by pull. */
export interface PushReceiver extends Pick<Bus, "deliveries" | "close"> {
  readonly port: number;
  counts(): PushCounts;
}

/** How long what is in hand may still be acked after a subscriber left. */
const graceMs = 1_000;

/**
 * Receives what Pub/Sub pushes, verifying who sends it before its body is read, and answers once
 * the delivery was settled. Listens already when resolved.
 *
 * On `node:http`: it is one route and two probes, and the body must be left unread until the token
 * was looked at; a framework would add more to keep than it takes away.
 */
export async function pushReceiver(options: PushReceiverOptions): Promise<PushReceiver> {
  const { port, host = "0.0.0.0", path = "/push", ready = () => true } = options;
  const counts = Object.fromEntries(
    Object.keys(PUSH_ANSWERS).map((outcome) => [outcome, 0]),
  ) as Record<PushOutcome, number>;
  const halls = receptions();
  const outcomeOf = pushHandler({ ...options, take: taker(options, () => halls.next()) });
  const answer = (response: ServerResponse, status: number) =>
    response.writeHead(status, { "content-length": 0 }).end();
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const outcome = await outcomeOf(request);
    counts[outcome] += 1;
    if (PUSH_ANSWERS[outcome] === 401) response.setHeader("www-authenticate", "Bearer");
    if (!request.complete) response.setHeader("connection", "close");
    answer(response, PUSH_ANSWERS[outcome]);
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://receiver");
    if (pathname === "/healthz") answer(response, 200);
    else if (pathname === "/readyz") answer(response, halls.any() && ready() ? 200 : 503);
    else if (pathname !== path) answer(response, 404);
    else if (request.method !== "POST") answer(response, 405);
    else void receive(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  let closed = false;
  return {
    port: (server.address() as AddressInfo).port,
    counts: () => ({ ...counts }),
    deliveries: ({ unackedMax, leaseMs }) =>
      new Observable<Delivery>((out) => {
        if (closed) throw new Error("the receiver was closed");
        return halls.open(out, gate({ unackedMax, leaseMs, out }));
      }),
    async close() {
      if (closed) return;
      closed = true;
      const ended = new Promise((resolve) => server.close(resolve));
      await halls.end();
      server.closeIdleConnections();
      await ended;
    },
  };
}

/** Hands an event to whoever listens, and waits until it is settled; what is none is put aside. */
function taker(
  { putAside }: PushReceiverOptions,
  next: () => Gate | null,
): (pushed: Pushed) => Promise<PushOutcome> {
  return async ({ id, data, attributes, attempt }) => {
    const read = readEvent(data.toString());
    if (read.kind === "unreadable") {
      await putAside({ id, data, reason: read.reason });
      return "put-aside";
    }
    const hall = next();
    if (hall === null) return "nobody-listens";
    return new Promise((resolve) => {
      const settle = (how: "ack" | "nack") => resolve(how === "ack" ? "acked" : "nacked");
      hall.arrive({ id, event: read.event, attempt, ...traceIn(attributes), settle });
    });
  };
}

/** The gates of those who listen, taken in turn. */
function receptions() {
  const open = new Map<Gate, Subscriber<Delivery>>();
  const leaving = new Set<Promise<void>>();
  const leave = async (hall: Gate) => {
    open.delete(hall);
    hall.end();
    if (hall.isEmpty()) return;
    await new Promise((resolve) => setTimeout(resolve, graceMs));
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
    /** Answers what is to be done when the subscriber leaves. */
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
