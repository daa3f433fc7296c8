import type { CommitAnswer, TaskStore, Write } from "../../ports/task-store.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { TableName } from "../../schemas/ids.ts";
import type { Followed } from "./followed.ts";

/**
 * The stored cursors. They lag behind the ones in memory: a landing costs no write of its own, and
 * after a crash the commits since are read and published once more, which changes nothing (I8).
 */
export interface Cursors {
  /** The stored cursors of tables; null where there is none. */
  load(tables: readonly TableName[]): Promise<ReadonlyMap<TableName, CursorDocument | null>>;
  /** Stores the first cursor of a table at once; answers what is stored: another watcher's, if any. */
  begin(cursor: CursorDocument): Promise<CursorDocument>;
  /**
   * Stores cursors that moved by `commitsUnsaved` or are of another table than the stored one; with
   * `all`, every one that moved. A stored one of a later epoch, which another watcher counted, is taken
   * over instead. Throws when the store does; the next call does the rest.
   */
  save(followed: Iterable<Followed>, options?: { readonly all: boolean }): Promise<void>;
}

/**
 * Commits of a table that may be published again after a crash. A table with one commit a day would
 * otherwise cost a write for each.
 */
const commitsUnsaved = 20;

/** Documents of one commit or one reading. */
const documentsTogether = 400;

interface Stored {
  readonly version: string | null;
  readonly body: CursorDocument | null;
}

export function cursorsOf(store: TaskStore): Cursors {
  const stored = new Map<TableName, Stored>();

  const read = async (tables: readonly TableName[]) => {
    const found = await store.read(tables.map((table) => `cursors/${table}` as const));
    for (const table of tables) {
      const cursor = found.get(`cursors/${table}`) as Stored | undefined;
      stored.set(table, cursor ?? { version: null, body: null });
    }
  };

  const write = async (page: readonly CursorDocument[]): Promise<CommitAnswer> => {
    const writes = page.map(
      (body): Write => ({
        id: `cursors/${body.table}`,
        body,
        version: stored.get(body.table)?.version ?? null,
      }),
    );
    const answer = await store.commit({ writes, checks: [] });
    if (answer.kind === "committed") {
      for (const body of page) stored.set(body.table, { version: answer.version, body });
    }
    return answer;
  };

  return {
    async load(tables) {
      for (const page of pages(tables)) await read(page);
      return new Map(tables.map((table) => [table, stored.get(table)?.body ?? null]));
    },
    async begin(cursor) {
      for (;;) {
        const known = stored.get(cursor.table)?.body ?? null;
        if (known !== null) return known;
        if ((await write([cursor])).kind === "committed") return cursor;
        await read([cursor.table]);
      }
    },
    async save(followed, { all } = { all: false }) {
      const moved = [...followed].flatMap((table) => {
        const { cursor } = table;
        if (cursor === null) return [];
        const before = stored.get(cursor.table)?.body ?? null;
        if (before !== null && before.epoch > cursor.epoch) {
          Object.assign(table, { cursor: before, verified: false, compared: false });
          return [];
        }
        const due = all ? cursor !== before : isFar(before, cursor);
        return due ? [cursor] : [];
      });
      for (const page of pages(moved)) {
        const answer = await write(page);
        if (answer.kind === "committed") continue;
        // Another watcher, or nobody knows: what is there is read, the next call writes over it.
        await read(page.map(({ table }) => table));
      }
    },
  };
}

function isFar(before: CursorDocument | null, now: CursorDocument): boolean {
  if (before === null || before.epoch !== now.epoch || before.tableId !== now.tableId) return true;
  if (before.telling !== now.telling || before.readAs !== now.readAs) return true;
  return now.contiguous - before.contiguous >= commitsUnsaved;
}

function* pages<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += documentsTogether) {
    yield all.slice(at, at + documentsTogether);
  }
}
