import { randomBytes } from "node:crypto";
import { otherWork } from "../../lake/other-work.ts";
import { PermanentError } from "../../ports/errors.ts";
import type {
  Check,
  CommitAnswer,
  DocumentVersion,
  Read,
  StoreCounters,
  TaskStore,
  Write,
} from "../../ports/task-store.ts";
import {
  collectionOf,
  type DocumentId,
  type DocumentOf,
  parseDocument,
} from "../../schemas/documents.ts";
import type { TaskId } from "../../schemas/ids.ts";
import type { Task, TaskStateKind } from "../../schemas/tasks.ts";
import { expectedBy } from "../expected-versions.ts";
import {
  CommitInDoubt,
  type Database,
  openDatabase,
  sqlLimit,
  sqlText,
  textOfSql,
} from "./database.ts";
import { type EndedTaskRows, endedTaskRows } from "./ended-tasks.ts";
import { listing, rowOf, taskQueries, taskStorePart } from "./task-table.ts";

/** A task store in a SQLite file, which other processes may have open too. */
export function sqliteTaskStore({ file }: { readonly file: string }): TaskStore {
  return taskStoreOver(openDatabase(file, taskStorePart));
}

type Counters = { -readonly [Name in keyof StoreCounters]: StoreCounters[Name] };

/** A task store in an open database that has the tables of `taskStorePart`; closes it with itself. */
export function taskStoreOver(database: Database): TaskStore {
  const ended = endedTaskRows(database);
  const nextVersion = versions();
  const counters: Counters = {
    documentsRead: 0,
    documentsWritten: 0,
    documentsChecked: 0,
    commits: 0,
    conflicts: 0,
  };
  const counted = <T>(documents: readonly T[]): readonly T[] => {
    counters.documentsRead += documents.length;
    return documents;
  };
  return {
    async read(ids) {
      const found = read(database, ids);
      counters.documentsRead += found.size;
      return found;
    },
    async commit({ writes, checks }) {
      const answer = commit(database, { writes, checks, version: nextVersion(), ended });
      counters.documentsChecked += checks.length;
      if (answer.kind === "conflict") counters.conflicts += 1;
      if (answer.kind === "committed") {
        counters.commits += 1;
        counters.documentsWritten += writes.length;
      }
      // As while a store is waited for that is elsewhere: a look at thousands of tasks holds nobody up.
      await otherWork();
      return answer;
    },
    async dueTasks(now, limit) {
      const rows = database.statement<[string]>(taskQueries.due).all(now, sqlLimit(limit));
      return counted(rows.map(([id]) => taskOf(id)));
    },
    async queuedTasks(pool, limit) {
      const queued = database.statement<[string]>(taskQueries.queued);
      const rows = queued.all(sqlText(pool), sqlLimit(limit));
      return counted(rows.map(([id]) => taskOf(id)));
    },
    async listTasks(filter) {
      return counted(listTasks(database, filter));
    },
    async endedTasks(cursor, limit) {
      const rows = ended.after(Number(cursor ?? 0), limit + 1);
      const found = rows.slice(0, limit);
      const last = found.at(-1)?.[0];
      return {
        tasks: counted(found.map(([, key, body]) => taskBodyOf(key, body))),
        cursor: last === undefined ? cursor : String(last),
        more: rows.length > limit,
      };
    },
    counters: () => ({ ...counters }),
    async close() {
      database.close();
    },
  };
}

/**
 * Versions that no other opening of the store ever gives, so that a document deleted and made anew
 * never has a version it had before. Costs no write, which a counter in the file would.
 */
function versions(): () => DocumentVersion {
  const opening = randomBytes(9).toString("base64url");
  let count = 0;
  return () => `${opening}.${(++count).toString(36)}`;
}

type Row = [id: string, version: string, body: string];

function read(database: Database, ids: readonly DocumentId[]): ReadonlyMap<DocumentId, Read> {
  const found = new Map<DocumentId, Read>();
  for (const id of ids) {
    collectionOf(id);
    found.set(id, { version: null, body: null });
  }
  const documents = database.statement<Row>(
    "SELECT id, version, body FROM documents WHERE id IN (SELECT value FROM json_each(?))",
  );
  for (const [key, version, body] of documents.all(keysOf([...found.keys()]))) {
    const id = textOfSql(key) as DocumentId;
    found.set(id, { version, body: bodyOf(id, body) });
  }
  return found;
}

interface Commit {
  readonly writes: readonly Write[];
  readonly checks: readonly Check[];
  readonly version: DocumentVersion;
  readonly ended: EndedTaskRows;
}

/** A commit without writes reads one snapshot; it waits for nobody. */
function commit(database: Database, { writes, checks, version, ended }: Commit): CommitAnswer {
  const expected = expectedBy([...writes, ...checks]);
  const changes = writes.map((write) => changeOf(write, version));
  const attempt = () => {
    if (!holds(database, expected)) return false;
    for (const change of changes) change(database);
    for (const { id, body } of writes) ended.written(id, body);
    return true;
  };
  try {
    const held = changes.length === 0 ? database.read(attempt) : database.write(attempt);
    return held ? { kind: "committed", version } : { kind: "conflict" };
  } catch (cause) {
    if (cause instanceof CommitInDoubt) return { kind: "unknown", cause: cause.message };
    throw cause;
  }
}

/** Whether every document is at its version still; compared where the documents are. */
function holds(
  database: Database,
  expected: ReadonlyMap<DocumentId, DocumentVersion | null>,
): boolean {
  const pairs = [...expected].map(([id, version]) => [sqlText(id), version]);
  const changed = database.statement<[number]>(
    `SELECT EXISTS (
       SELECT 1 FROM json_each(?) AS pair
       LEFT JOIN documents ON documents.id = pair.value ->> 0
       WHERE documents.version IS NOT pair.value ->> 1
     )`,
  );
  return changed.get(JSON.stringify(pairs))?.[0] === 0;
}

/** How one document is to change; its text is made before the file is locked. */
function changeOf({ id, body }: Write, version: DocumentVersion): (database: Database) => void {
  if (body === null) {
    const key = sqlText(id);
    return (database) => database.statement("DELETE FROM documents WHERE id = ?").run(key);
  }
  const row = rowOf(id, body, version);
  return (database) => database.statement(taskQueries.put).run(...row);
}

function listTasks(
  database: Database,
  filter: { readonly state?: TaskStateKind; readonly step?: string; readonly limit: number },
): readonly Task[] {
  const { sql, values } = listing(filter);
  const rows = database.statement<[string, string]>(sql).all(...values, sqlLimit(filter.limit));
  return rows.map(([key, body]) => taskBodyOf(key, body));
}

function taskBodyOf(key: string, body: string): Task {
  return bodyOf(textOfSql(key) as `tasks/${string}`, body);
}

function taskOf(key: string): TaskId {
  return textOfSql(key).slice("tasks/".length);
}

function keysOf(ids: readonly DocumentId[]): string {
  return JSON.stringify(ids.map(sqlText));
}

/** Throws `PermanentError`, naming the document, when it is none of ours. */
function bodyOf<Id extends DocumentId>(id: Id, text: string): DocumentOf<Id> {
  try {
    return parseDocument(id, JSON.parse(text));
  } catch (cause) {
    const reason = (cause as Error).message.replaceAll(/\s*\n\s*/g, " ");
    const advice = "if a newer Landfall wrote it, use that one";
    throw new PermanentError(`cannot read document ${id} (${reason}): ${advice}`, { cause });
  }
}
