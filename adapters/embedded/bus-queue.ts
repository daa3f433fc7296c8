import type { DeadLetter } from "../../ports/bus.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { type Database, type Part, sqlLimit } from "./database.ts";

/**
 * `events`: what is published and not acked. `held_until` is 0 while an event waits to be taken,
 * else the time until which it is leased (by `owner`, for the `attempt`-th time) or held back after
 * a nack. Its sequence number is never used again, so a late ack cannot hit another event. A foreign
 * writer publishes with `INSERT INTO events (body) VALUES (?)`.
 *
 * `owners`: who may hold leases; `bus-owner.ts` tells which of them are alive.
 */
export const busPart: Part = {
  name: "bus",
  version: 1,
  schema: `
    CREATE TABLE events (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      body TEXT NOT NULL,
      attempt INTEGER NOT NULL DEFAULT 0,
      held_until INTEGER NOT NULL DEFAULT 0,
      owner TEXT
    );
    CREATE INDEX events_held ON events (held_until, seq);
    CREATE TABLE owners (owner TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
    CREATE TABLE dead_letters (
      seq INTEGER PRIMARY KEY,
      body TEXT NOT NULL,
      reason TEXT NOT NULL,
      at INTEGER NOT NULL
    )`,
};

/** An event as it was taken; (`seq`, `attempt`) names this taking of it and no other. */
export interface Taken {
  readonly seq: number;
  readonly attempt: number;
  readonly body: string;
}

export interface Nacked {
  readonly seq: number;
  readonly attempt: number;
  readonly until: EpochMs;
}

/** What became of deliveries since it was last written down. */
export interface Settled {
  readonly acked: readonly number[];
  readonly nacked: readonly Nacked[];
}

export interface Turn extends Settled {
  readonly owner: string;
  /** How many events to take at most. */
  readonly room: number;
  readonly leaseMs: number;
  readonly now: EpochMs;
}

/** The statements of the bus; each function is one transaction, or less. */
export interface Queue {
  /** Part of a transaction of the caller's. */
  insert(bodies: readonly string[]): void;
  /**
   * Writes down what was settled, then takes the oldest waiting events. Nothing is written, and
   * nobody waited for, when there is nothing to do. `heldUntil`: when the next held event comes
   * free, if nothing happens before.
   */
  turn(turn: Turn): { readonly taken: readonly Taken[]; readonly heldUntil: EpochMs | null };
  /** Gives leases back at once, to whoever comes first. */
  giveBack(leases: readonly { readonly seq: number; readonly attempt: number }[]): void;
  putAside(letter: DeadLetter): void;
  /** Newest first. */
  deadLetters(limit: number): readonly DeadLetter[];
  enlist(owner: string): void;
  owners(): readonly string[];
  /** Gives back all leases of an owner and forgets it. */
  discharge(owner: string): void;
}

export function queueOver(database: Database): Queue {
  const { statement } = database;
  return {
    insert(bodies) {
      const insert = statement("INSERT INTO events (body) VALUES (?)");
      for (const body of bodies) insert.run(body);
    },
    turn: (turn) => takeTurn(database, turn),
    giveBack(leases) {
      const free = statement(
        "UPDATE events SET held_until = 0, owner = NULL WHERE seq = ? AND attempt = ?",
      );
      database.write(() => {
        for (const { seq, attempt } of leases) free.run(seq, attempt);
      });
    },
    putAside({ id, body, reason, at }) {
      const insert = statement("INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?)");
      const seq = Number(id);
      database.write(() => {
        insert.run(seq, JSON.stringify(body), reason, at);
        statement("DELETE FROM events WHERE seq = ?").run(seq);
      });
    },
    deadLetters: (limit) =>
      statement<[number, string, string, number]>(
        "SELECT seq, body, reason, at FROM dead_letters ORDER BY at DESC, seq DESC LIMIT ?",
      )
        .all(sqlLimit(limit))
        .map(([seq, body, reason, at]) => ({ id: `${seq}`, body: JSON.parse(body), reason, at })),
    enlist: (owner) => void statement("INSERT OR IGNORE INTO owners VALUES (?)").run(owner),
    owners: () =>
      statement<[string]>("SELECT owner FROM owners")
        .all()
        .map(([owner]) => owner),
    discharge(owner) {
      database.write(() => {
        statement(
          "UPDATE events SET held_until = 0, owner = NULL WHERE held_until > 0 AND owner = ?",
        ).run(owner);
        statement("DELETE FROM owners WHERE owner = ?").run(owner);
      });
    },
  };
}

function takeTurn(database: Database, turn: Turn) {
  const { acked, nacked, room, now } = turn;
  const settled = acked.length + nacked.length > 0;
  const takes = room > 0 && somethingToTake(database, now);
  const taken =
    settled || takes
      ? database.write(() => {
          settle(database, turn);
          return takes ? take(database, turn) : [];
        })
      : [];
  const next = database.statement<[number | null]>(
    "SELECT min(held_until) FROM events WHERE held_until > 0",
  );
  return { taken, heldUntil: next.get()?.[0] ?? null };
}

function somethingToTake({ statement }: Database, now: EpochMs): boolean {
  const found = statement<[number]>(
    `SELECT EXISTS (SELECT 1 FROM events WHERE held_until = 0)
       OR EXISTS (SELECT 1 FROM events WHERE held_until BETWEEN 1 AND ?)`,
  );
  return found.get(now)?.[0] === 1;
}

/**
 * An ack counts whoever holds the event by now: it was handled. A nack counts only while the lease
 * it speaks of has not been followed by another.
 */
function settle({ statement }: Database, { acked, nacked }: Settled): void {
  const remove = statement("DELETE FROM events WHERE seq = ?");
  for (const seq of acked) remove.run(seq);
  const hold = statement(
    "UPDATE events SET held_until = ?, owner = NULL WHERE seq = ? AND attempt = ?",
  );
  for (const { seq, attempt, until } of nacked) hold.run(until, seq, attempt);
}

/**
 * What has come free keeps its place, so that fresh events cannot keep it waiting for ever. Bodies
 * are read as bytes: libsql 0.5 aborts the process on text of a foreign writer that is not UTF-8.
 */
function take({ statement }: Database, { owner, room, leaseMs, now }: Turn): readonly Taken[] {
  statement("UPDATE events SET held_until = 0, owner = NULL WHERE held_until BETWEEN 1 AND ?").run(
    now,
  );
  const rows = statement<[number, number, Uint8Array]>(
    `UPDATE events SET held_until = ?, owner = ?, attempt = attempt + 1
     WHERE seq IN (SELECT seq FROM events WHERE held_until = 0 ORDER BY seq LIMIT ?)
     RETURNING seq, attempt, CAST(body AS BLOB)`,
  ).all(now + leaseMs, owner, room);
  return rows
    .map(([seq, attempt, body]) => ({ seq, attempt, body: Buffer.from(body).toString() }))
    .sort((one, other) => one.seq - other.seq);
}
