import { setTimeout as sleep } from "node:timers/promises";
import type {
  Check,
  CommitAnswer,
  DocumentVersion,
  Read,
  StoreCounters,
  TaskStore,
  Write,
} from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { TaskId } from "../../schemas/ids.ts";
import type { Task } from "../../schemas/tasks.ts";
import { expectedBy } from "../expected-versions.ts";
import { endedTasks } from "./ended-tasks.ts";
import {
  type FirestoreDatabase,
  type FirestoreOptions,
  firestoreDatabase,
  type StoredDocument,
} from "./firestore-database.ts";
import {
  changeOf,
  commitNames,
  documentOf,
  isPossible,
  unchanged,
  versionAt,
} from "./firestore-documents.ts";
import { commitFailure, operatingError } from "./firestore-errors.ts";
import { documentIdOf, documentPath } from "./firestore-names.ts";
import {
  dueTasksQuery,
  listTasksQuery,
  queuedTasksQuery,
  type StructuredQuery,
} from "./firestore-queries.ts";
import { messageOf } from "./grpc-errors.ts";
import { lingering, type Time } from "./linger.ts";

/** A task store in a database of Firestore, which other processes may have open too. */
export function firestoreTaskStore(options: FirestoreOptions): TaskStore {
  return taskStoreOver(firestoreDatabase(options));
}

/**
 * A task store in an open database; closes it with itself.
 *
 * A commit is one request. Writes carry the update time they were decided on. A check is a write
 * that changes nothing but must hold: an update of no field of what is there, a deletion of what is
 * not. Firestore does all of it or none, so of two commits that check what the other writes one is
 * refused.
 *
 * The other way is to read what is checked in a transaction: a million checks are then $0.30 instead
 * of $0.90 for what is there ($0.10 for what is not). But such a transaction holds locks between
 * two requests. Of two dispatchers that lock what the other writes, one waits for its lock to run
 * out, and one that is killed between the two leaves every document it looked at locked for a
 * minute (measured). Correctness would stand, dispatching would not. What is checked in the same
 * request costs more and holds nobody up, whoever dies when. Where nothing is written, checks are
 * plain reads.
 *
 * What waits: a commit after slow or contended ones, and one that writes a document too often
 * (`linger.ts`); at most a second, so that what arrives meanwhile goes into the next one.
 */
export function taskStoreOver(database: FirestoreDatabase, time: Time = realTime): TaskStore {
  const nextCommit = commitNames();
  const linger = lingering(time);
  const counters = noneYet();
  const query = async (asked: StructuredQuery) => {
    if (asked.limit.value === 0) return [];
    const { found } = await answered(database, () => database.query(asked));
    counters.documentsRead += found.length;
    return found;
  };
  return {
    async read(ids) {
      const found = await read(database, ids);
      counters.documentsRead += found.size;
      return found;
    },
    async commit(commit) {
      const answer = await committed(database, { ...commit, name: nextCommit(), linger });
      counters.documentsChecked += commit.checks.length;
      if (answer.kind === "conflict") counters.conflicts += 1;
      if (answer.kind === "committed") {
        counters.commits += 1;
        counters.documentsWritten += commit.writes.length;
      }
      return answer;
    },
    dueTasks: async (now, limit) => (await query(dueTasksQuery(now, limit))).map(taskIdOf),
    queuedTasks: async (pool, limit) => (await query(queuedTasksQuery(pool, limit))).map(taskIdOf),
    listTasks: async (filter) => (await query(listTasksQuery(filter))).map(taskOf),
    async endedTasks(cursor, limit) {
      const { found, ...place } = await answered(database, () =>
        endedTasks(database, cursor, limit),
      );
      counters.documentsRead += found.length;
      return { tasks: found.map(taskOf), ...place };
    },
    counters: () => ({ ...counters }),
    close: () => database.close(),
  };
}

const realTime: Time = {
  now: () => performance.now(),
  sleep: async (delayMs) => {
    await sleep(delayMs);
  },
};

function noneYet(): { -readonly [Name in keyof StoreCounters]: StoreCounters[Name] } {
  return { documentsRead: 0, documentsWritten: 0, documentsChecked: 0, commits: 0, conflicts: 0 };
}

async function read(
  database: FirestoreDatabase,
  ids: readonly DocumentId[],
): Promise<ReadonlyMap<DocumentId, Read>> {
  const read = new Map<DocumentId, Read>();
  const byPath = new Map<string, DocumentId>();
  for (const id of ids) {
    byPath.set(documentPath(id), id);
    read.set(id, { version: null, body: null });
  }
  if (read.size === 0) return read;
  const { found } = await answered(database, () => database.read([...byPath.keys()], "all"));
  for (const document of found) {
    const id = byPath.get(document.path);
    if (id === undefined) continue;
    read.set(id, { version: versionAt(document.updateTime), body: documentOf(id, document) });
  }
  return read;
}

interface Committing {
  readonly writes: readonly Write[];
  readonly checks: readonly Check[];
  readonly name: string;
  readonly linger: ReturnType<typeof lingering>;
}

async function committed(
  database: FirestoreDatabase,
  { writes, checks, name, linger }: Committing,
): Promise<CommitAnswer> {
  const expected = expectedBy([...writes, ...checks]);
  if (![...expected.values()].every(isPossible)) return { kind: "conflict" };
  if (writes.length === 0) return proven(database, expected);
  const changes = [...writes.map((write) => changeOf(write, name)), ...checks.map(unchanged)];
  const send = async (): Promise<Attempted> => {
    try {
      return { answer: { kind: "committed", version: versionAt(await database.commit(changes)) } };
    } catch (cause) {
      const failure = commitFailure(cause);
      if (failure === "failed") throw operatingError(cause, database.name);
      if (failure === "unknown") return { answer: { kind: "unknown", cause: messageOf(cause) } };
      return { answer: { kind: "conflict" }, contended: failure === "contended" };
    }
  };
  const { answer } = await linger({
    documents: changes.length,
    written: writes.map(({ id }) => id),
    send,
    contended: (one) => one.contended === true,
  });
  return answer;
}

interface Attempted {
  readonly answer: CommitAnswer;
  readonly contended?: boolean;
}

/** Nothing is to be written: what was checked is read, at one moment. */
async function proven(
  database: FirestoreDatabase,
  expected: ReadonlyMap<DocumentId, DocumentVersion | null>,
): Promise<CommitAnswer> {
  const paths = new Map([...expected].map(([id, version]) => [documentPath(id), version]));
  if (paths.size === 0) return { kind: "committed", version: versionAt({ seconds: 0, nanos: 0 }) };
  const { at, found } = await answered(database, () => database.read([...paths.keys()], "none"));
  const present = [...paths.values()].filter((version) => version !== null);
  const holds =
    found.length === present.length &&
    found.every(({ path, updateTime }) => paths.get(path) === versionAt(updateTime));
  return holds ? { kind: "committed", version: versionAt(at) } : { kind: "conflict" };
}

/** Names too long to be kept are hashed; then the task says itself who it is. */
function taskIdOf(document: StoredDocument): TaskId {
  const id = documentIdOf(document.path);
  if (id !== null) return id.slice("tasks/".length);
  const own = document.fields["id"];
  return own !== undefined && "stringValue" in own ? own.stringValue : "";
}

function taskOf(document: StoredDocument): Task {
  return documentOf(`tasks/${taskIdOf(document)}`, document);
}

async function answered<T>(database: FirestoreDatabase, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw operatingError(cause, database.name);
  }
}
