import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Observable } from "rxjs";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Log } from "../../ports/log.ts";
import type { Letter } from "./bus-dead-letters.ts";
import { gate } from "./gate.ts";
import { PUSH_ANSWERS, type PushOutcome, pushHandler } from "./push-handler.ts";
import { reception } from "./push-reception.ts";
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
  const halls = reception({ ...options, sleep });
  const outcomeOf = pushHandler({ ...options, take: (pushed) => halls.take(pushed) });
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
    else if (pathname === "/readyz") answer(response, halls.isOpen() && ready() ? 200 : 503);
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
