import { Observable, type Subscriber, type Subscription, take } from "rxjs";
import type { Bus, DeadLetter, Delivery } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import { readEvent } from "../../schemas/read-event.ts";

/** A bus in memory, and ways into it that are not the port's. */
export interface SimulatedBus {
  open(): Bus;
  /** Publishes what need not be an event. */
  publishRaw(body: string): void;
  /** Bodies of what was published and neither acked nor put aside. */
  unacked(): readonly string[];
}

interface Message {
  readonly seq: number;
  readonly body: string;
  attempt: number;
  /** Set while some subscriber has it. */
  lease: Lease | null;
}

interface Lease {
  readonly attempt: number;
  readonly event: LandfallEvent;
  readonly timer: Subscription;
}

interface Reader {
  readonly opening: object;
  readonly out: Subscriber<Delivery>;
  readonly unackedMax: number;
  readonly leaseMs: number;
  readonly held: Set<Message>;
}

/** What all openings share. */
interface Shared {
  readonly clock: Clock;
  readonly messages: Map<number, Message>;
  /** Messages nobody holds, by sequence number; of those that came back the older go first. */
  waiting: Message[];
  readonly readers: Set<Reader>;
  readonly letters: Map<string, DeadLetter>;
  published: number;
  woken: boolean;
}

/** In memory and in order of publication; leases end by the clock. Faults are for wrappers. */
export function simulatedBus({ clock }: { readonly clock: Clock }): SimulatedBus {
  const shared: Shared = {
    clock,
    messages: new Map(),
    waiting: [],
    readers: new Set(),
    letters: new Map(),
    published: 0,
    woken: false,
  };
  return {
    open: () => opening(shared),
    publishRaw: (body) => publish(shared, body),
    unacked: () => [...shared.messages.values()].map(({ body }) => body),
  };
}

function opening(shared: Shared): Bus {
  const self = {};
  let closed = false;
  const mustBeOpen = () => {
    if (closed) throw new Error("the bus was closed");
  };
  return {
    async publish(events) {
      mustBeOpen();
      for (const event of events) publish(shared, JSON.stringify(event));
    },
    deliveries: ({ unackedMax, leaseMs }) =>
      new Observable((out) => {
        mustBeOpen();
        const reader: Reader = { opening: self, out, unackedMax, leaseMs, held: new Set() };
        shared.readers.add(reader);
        wake(shared);
        return () => {
          shared.readers.delete(reader);
          for (const message of reader.held) giveBack(shared, reader, message);
        };
      }),
    async deadLetter({ id, event }, reason) {
      putAside(shared, { id, body: event, reason, at: shared.clock.now() });
    },
    deadLetters: async (limit) => [...shared.letters.values()].toReversed().slice(0, limit),
    async close() {
      if (closed) return;
      closed = true;
      for (const reader of shared.readers) if (reader.opening === self) reader.out.complete();
    },
  };
}

function publish(shared: Shared, body: string): void {
  const message: Message = { seq: ++shared.published, body, attempt: 0, lease: null };
  shared.messages.set(message.seq, message);
  shared.waiting.push(message);
  wake(shared);
}

/** Hands over what waits, soon and once for many. */
function wake(shared: Shared): void {
  if (shared.woken) return;
  shared.woken = true;
  queueMicrotask(() => {
    shared.woken = false;
    handOver(shared);
  });
}

function handOver(shared: Shared): void {
  for (const reader of shared.readers) {
    const taken: Message[] = [];
    while (reader.held.size < reader.unackedMax) {
      const message = shared.waiting.shift();
      if (message === undefined) break;
      if (lease(shared, reader, message)) taken.push(message);
    }
    for (const message of taken) if (reader.held.has(message)) deliver(shared, reader, message);
  }
}

/** False for what is no event: that is put aside. */
function lease(shared: Shared, reader: Reader, message: Message): boolean {
  const read = readEvent(message.body);
  if (read.kind === "unreadable") {
    const id = String(message.seq);
    putAside(shared, { id, body: read.found, reason: read.reason, at: shared.clock.now() });
    return false;
  }
  const attempt = message.attempt + 1;
  const timer = after(shared.clock, reader.leaseMs, () => giveBack(shared, reader, message));
  message.attempt = attempt;
  message.lease = { attempt, timer, event: read.event };
  reader.held.add(message);
  return true;
}

function deliver(shared: Shared, reader: Reader, message: Message): void {
  if (message.lease === null) return;
  const { attempt, event } = message.lease;
  reader.out.next({
    id: String(message.seq),
    event,
    attempt,
    ack: () => settle(shared, message),
    nack() {
      if (message.lease?.attempt !== attempt || !reader.held.delete(message)) return;
      message.lease.timer.unsubscribe();
      message.lease = null;
      after(shared.clock, Math.min(5_000, 10 * 2 ** (attempt - 1)), () => wait(shared, message));
      wake(shared);
    },
  });
}

/** A message that nobody holds any more waits again. */
function giveBack(shared: Shared, reader: Reader, message: Message): void {
  if (!reader.held.delete(message)) return;
  message.lease?.timer.unsubscribe();
  message.lease = null;
  wait(shared, message);
}

function wait(shared: Shared, message: Message): void {
  if (!shared.messages.has(message.seq)) return;
  const at = shared.waiting.findIndex(({ seq }) => seq > message.seq);
  if (at < 0) shared.waiting.push(message);
  else shared.waiting.splice(at, 0, message);
  wake(shared);
}

/** It was handled or put aside: whoever has it, and wherever it waits, it is over. */
function settle(shared: Shared, message: Message): void {
  if (!shared.messages.delete(message.seq)) return;
  message.lease?.timer.unsubscribe();
  for (const { held } of shared.readers) held.delete(message);
  const at = shared.waiting.indexOf(message);
  if (at >= 0) shared.waiting.splice(at, 1);
  wake(shared);
}

function putAside(shared: Shared, letter: DeadLetter): void {
  shared.letters.set(letter.id, letter);
  const message = shared.messages.get(Number(letter.id));
  if (message !== undefined) settle(shared, message);
}

function after(clock: Clock, delayMs: number, done: () => void): Subscription {
  return clock.every(Math.max(1, delayMs)).pipe(take(1)).subscribe(done);
}
