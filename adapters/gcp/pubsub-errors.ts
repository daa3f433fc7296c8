import { Duration } from "@google-cloud/pubsub";
import { type MonoTypeOperatorFunction, retry, throwError, timer } from "rxjs";
import { PermanentError, RetryableError } from "../../ports/errors.ts";

/** What an operator does about a gRPC status that will not go away by itself. */
const hints: Readonly<Record<number, string>> = {
  5: "it does not exist; run the setup that creates topics and subscriptions, or correct its name",
  7: "permission denied; grant the service account roles/pubsub.publisher and roles/pubsub.subscriber",
};

/** Invalid argument, failed precondition, out of range, unimplemented: it would be so again. */
const refusals: ReadonlySet<unknown> = new Set([3, 9, 11, 12]);

/**
 * A failure of Pub/Sub as an error of a port, told by its gRPC status. Statuses that nothing is
 * known of, and credentials that are just being renewed, are worth another try.
 */
export function pubsubError(doing: string, cause: unknown): Error {
  const { code, message } = cause as { code?: unknown; message?: string };
  const hint = typeof code === "number" ? hints[code] : undefined;
  const line = `cannot ${doing}: ${hint ?? firstLine(message)}`;
  return hint === undefined && !refusals.has(code)
    ? new RetryableError(line, { cause })
    : new PermanentError(line, { cause });
}

/**
 * How a stream of messages is opened again by the library itself: it would wait twice as long each
 * time, up to a minute, in which nothing arrives though Pub/Sub answers again.
 */
export const REOPENING = {
  retryMinBackoff: Duration.from({ milliseconds: 100 }),
  retryMaxBackoff: Duration.from({ seconds: 1 }),
} as const;

/**
 * How a connection that broke is made again: by itself gRPC tries after one second, then after 1.6 times as
 * long each time, up to two minutes, in which nothing is published though Pub/Sub answers again.
 */
export const RECONNECTING = { "grpc.max_reconnect_backoff_ms": 1_000 } as const;

/** How long to wait before a stream that broke is opened again. */
const againMs = 1_000;

/** Opens a stream again while what breaks it is worth another try: credentials, or the network. */
export function reopening<T>(): MonoTypeOperatorFunction<T> {
  return retry({
    delay: (cause) => (cause instanceof RetryableError ? timer(againMs) : throwError(() => cause)),
  });
}

function firstLine(message = "no reason was given"): string {
  return message.split("\n", 1)[0] ?? "";
}
