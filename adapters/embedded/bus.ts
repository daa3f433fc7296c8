import { resolve } from "node:path";
import { Observable } from "rxjs";
import type { Bus, Delivery } from "../../ports/bus.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { batchedWrites } from "./batched-writes.ts";
import { buryIfDead, newOwner, type Owner } from "./bus-owner.ts";
import { busPart, type Queue, queueOver } from "./bus-queue.ts";
import { settlements } from "./bus-settlements.ts";
import { type Subscription, subscription } from "./bus-subscription.ts";
import { openDatabase } from "./database.ts";

/** How often an opening with subscribers looks whether others have died. */
const funeralsMs = 1_000;

/**
 * A durable queue in a SQLite file. Subscribers, in this process or another, share what is
 * published; within a process they are woken at once, between processes they look every 100 ms.
 */
export function sqliteBus({ file }: { readonly file: string }): Bus {
  const path = resolve(file);
  const database = openDatabase(path, busPart);
  const queue = queueOver(database);
  const subscriptions = new Set<Subscription>();
  const wakeOwn = () => {
    for (const one of subscriptions) one.wake();
  };
  const wakeAll = joinNeighbours(path, wakeOwn);
  const settled = settlements(() => {
    if (subscriptions.size > 0) wakeOwn();
    else if (!closed) writeDown();
  });
  const writeDown = () =>
    tolerating(() =>
      settled.write((all) => queue.turn({ ...all, owner: "", room: 0, leaseMs: 0, now: 0 })),
    );
  const together = batchedWrites(database, () => wakeAll.wake());
  let ownership: Ownership | undefined;
  let closed = false;

  return {
    async publish(events) {
      if (events.length === 0) return;
      const bodies = events.map((event) => JSON.stringify(event));
      await together(() => queue.insert(bodies));
    },
    deliveries: ({ unackedMax, leaseMs }) =>
      new Observable<Delivery>((out) => {
        if (closed) throw new Error(`${path} was closed`);
        ownership ??= takeOwnership(path, queue, wakeOwn);
        const { name: owner } = ownership.owner;
        const own = subscription({ queue, settlements: settled, owner, unackedMax, leaseMs, out });
        subscriptions.add(own);
        return () => {
          subscriptions.delete(own);
          own.end();
          wakeAll.wake();
        };
      }),
    async deadLetter(delivery, reason) {
      const { id, event: body } = delivery;
      queue.putAside({ id, body, reason, at: Date.now() });
      delivery.ack();
    },
    async deadLetters(limit) {
      return queue.deadLetters(limit);
    },
    async close() {
      if (closed) return;
      for (const one of subscriptions) one.complete();
      closed = true;
      writeDown();
      ownership?.end();
      wakeAll.leave();
      database.close();
    },
  };
}

/** Openings of the same file within this process, which need not poll for each other. */
const neighbours = new Map<string, Set<() => void>>();

function joinNeighbours(path: string, wake: () => void) {
  const all = neighbours.get(path) ?? new Set();
  neighbours.set(path, all.add(wake));
  return {
    wake() {
      for (const one of all) one();
    },
    leave() {
      all.delete(wake);
      if (all.size === 0) neighbours.delete(path);
    },
  };
}

interface Ownership {
  readonly owner: Owner;
  end(): void;
}

/** The lock is held before the name is listed: whoever finds the name finds the lock. */
function takeOwnership(path: string, queue: Queue, wake: () => void): Ownership {
  const owner = newOwner(path);
  try {
    queue.enlist(owner.name);
  } catch (cause) {
    owner.retire();
    throw cause;
  }
  const funerals = () =>
    tolerating(() => {
      for (const name of queue.owners()) {
        if (name === owner.name || !buryIfDead(path, name)) continue;
        queue.discharge(name);
        wake();
      }
    });
  funerals();
  const timer = setInterval(funerals, funeralsMs).unref();
  return {
    owner,
    end() {
      clearInterval(timer);
      tolerating(() => queue.discharge(owner.name));
      owner.retire();
    },
  };
}

/**
 * Does what may be left undone when the file does not let it: leases end without it, too. Whatever
 * else goes on with the file meets the same trouble, and reports it.
 */
function tolerating(work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (!(cause instanceof RetryableError || cause instanceof PermanentError)) throw cause;
  }
}
