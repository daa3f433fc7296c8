import type { Observable } from "rxjs";
import type { LandfallEvent } from "../schemas/events.ts";
import type { Trace } from "../schemas/trace.ts";

/** One event as it was delivered, maybe not for the first time. */
export interface Delivery {
  /** The same for every delivery of one published event. */
  readonly id: string;
  readonly event: LandfallEvent;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** The trace it was published in, where the bus carries that. For logs: nothing relies on it. */
  readonly trace?: Trace;
  /** It was handled: never deliver it again. Redelivery may still happen if this is lost. */
  ack(): void;
  /** It was not handled: deliver it again, soon. */
  nack(): void;
}

/** An event nobody could handle, and why. */
export interface DeadLetter {
  readonly id: string;
  /** As it was published: not necessarily one of our events. */
  readonly body: unknown;
  readonly reason: string;
  readonly at: number;
}

/**
 * Carries events between the services: at least once, in no particular order.
 *
 * An event that was published (the promise resolved) is delivered until it is acked, whatever
 * process dies. A message that does not parse becomes a dead letter, not a delivery.
 */
export interface Bus {
  /**
   * Resolves when every event is durable. Throws `RetryableError` when it may not be. `trace` is of
   * what caused the events.
   */
  publish(events: readonly LandfallEvent[], trace?: Trace): Promise<void>;
  /**
   * Deliveries until unsubscribed. Holds back while `unackedMax` deliveries are unacked.
   * A delivery neither acked nor nacked within `leaseMs` is delivered again.
   */
  deliveries(options: { unackedMax: number; leaseMs: number }): Observable<Delivery>;
  /** Puts a delivery aside with its reason, and acks it. Durable when resolved. */
  deadLetter(delivery: Delivery, reason: string): Promise<void>;
  deadLetters(limit: number): Promise<readonly DeadLetter[]>;
  close(): Promise<void>;
}
