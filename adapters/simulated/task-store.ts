import { hasEnded } from "../../core/attempts.ts";
import { queuePlace } from "../../core/queue-place.ts";
import type {
  DocumentVersion,
  EndedTasks,
  Read,
  StoreCounters,
  TaskCursor,
  TaskStore,
  Write,
} from "../../ports/task-store.ts";
import { collectionOf, type DocumentId, type DocumentOf } from "../../schemas/documents.ts";
import { parseTaskId, type TaskId } from "../../schemas/ids.ts";
import type { Task } from "../../schemas/tasks.ts";
import { expectedBy } from "../expected-versions.ts";

/** A task store in memory that any number of processes may have open. */
export interface SimulatedTaskStore {
  open(): TaskStore;
}

/** What is kept of a document: its text, as a store would have it, not the object that was given. */
interface Stored {
  readonly version: DocumentVersion;
  readonly text: string;
}

/** What tasks are looked for by. */
interface Listed extends Pick<Task, "wakeAt" | "queuedFor"> {
  readonly id: TaskId;
  readonly step: string;
  readonly start: string;
  readonly state: Task["state"]["kind"];
  readonly readySince: number;
  /** The count of its last write, once an attempt of it has ended; null before. */
  readonly change: number | null;
}

interface Shared {
  readonly documents: Map<DocumentId, Stored>;
  readonly tasks: Map<DocumentId, Listed>;
  versions: number;
  changes: number;
}

export function simulatedTaskStore(): SimulatedTaskStore {
  const shared: Shared = { documents: new Map(), tasks: new Map(), versions: 0, changes: 0 };
  return { open: () => opening(shared) };
}

type Counters = { -readonly [Name in keyof StoreCounters]: StoreCounters[Name] };

function opening(shared: Shared): TaskStore {
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
      const found = new Map(ids.map((id) => [id, documentAt(shared, id)]));
      counters.documentsRead += found.size;
      return found;
    },
    async commit({ writes, checks }) {
      const expected = expectedBy([...writes, ...checks]);
      counters.documentsChecked += checks.length;
      for (const [id, version] of expected) {
        if ((shared.documents.get(id)?.version ?? null) === version) continue;
        counters.conflicts += 1;
        return { kind: "conflict" };
      }
      const version = (++shared.versions).toString(36);
      for (const write of writes) put(shared, write, version);
      counters.commits += 1;
      counters.documentsWritten += writes.length;
      return { kind: "committed", version };
    },
    dueTasks: async (now, limit) =>
      counted(
        tasksOf(shared, ({ wakeAt }) => wakeAt !== null && wakeAt <= now, {
          limit,
          order: byWakeAt,
        }).map(({ id }) => id),
      ),
    queuedTasks: async (pool, limit) =>
      counted(
        tasksOf(shared, ({ queuedFor }) => queuedFor === pool, { limit, order: byReadySince }).map(
          ({ id }) => id,
        ),
      ),
    listTasks: async ({ state, step, limit }) => {
      const wanted = (task: Listed) =>
        (state === undefined || task.state === state) && (step === undefined || task.step === step);
      const found = tasksOf(shared, wanted, { limit, order: byStart });
      return counted(found.map(({ id }) => documentAt(shared, `tasks/${id}`).body as Task));
    },
    async endedTasks(cursor, limit) {
      const answer = endedTasks(shared, cursor, limit);
      counted(answer.tasks);
      return answer;
    },
    counters: () => ({ ...counters }),
    async close() {},
  };
}

function documentAt(shared: Shared, id: DocumentId): Read {
  collectionOf(id);
  const stored = shared.documents.get(id);
  if (stored === undefined) return { version: null, body: null };
  return { version: stored.version, body: JSON.parse(stored.text) as DocumentOf<DocumentId> };
}

function put(shared: Shared, { id, body }: Write, version: string): void {
  if (body === null) {
    shared.documents.delete(id);
    shared.tasks.delete(id);
    return;
  }
  shared.documents.set(id, { version, text: JSON.stringify(body) });
  if (collectionOf(id) !== "tasks") return;
  const change = hasEnded(body as Task) ? ++shared.changes : null;
  shared.tasks.set(id, listed(id, body as Task, change));
}

function listed(id: DocumentId, { state, wakeAt, queuedFor }: Task, change: number | null): Listed {
  const task = id.slice("tasks/".length);
  const { step, range } = parseTaskId(task);
  const readySince = queuePlace(state) ?? 0;
  const asked = { wakeAt, queuedFor, readySince, change };
  return { id: task, step, start: range.start, state: state.kind, ...asked };
}

function endedTasks(shared: Shared, cursor: TaskCursor | null, limit: number): EndedTasks {
  const after = Number(cursor ?? 0);
  const wanted = ({ change }: Listed) => change !== null && change > after;
  const found = tasksOf(shared, wanted, { limit, order: byChange });
  const last = found.at(-1)?.change ?? after;
  return {
    tasks: found.map(({ id }) => documentAt(shared, `tasks/${id}`).body as Task),
    cursor: last === 0 ? null : String(last),
    more: [...shared.tasks.values()].some(({ change }) => (change ?? 0) > last),
  };
}

type Order = (a: Listed, b: Listed) => number;

const byId: Order = (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
const byWakeAt: Order = (a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0) || byId(a, b);
const byReadySince: Order = (a, b) => a.readySince - b.readySince || byId(a, b);
const byChange: Order = (a, b) => (a.change ?? 0) - (b.change ?? 0);
const byStart: Order = (a, b) => (a.start > b.start ? -1 : a.start < b.start ? 1 : byId(a, b));

function tasksOf(
  { tasks }: Shared,
  wanted: (task: Listed) => boolean,
  { limit, order }: { readonly limit: number; readonly order: Order },
): readonly Listed[] {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Error(`a limit is a whole number from 0 on, not ${limit}`);
  }
  const found: Listed[] = [];
  for (const task of tasks.values()) if (wanted(task)) found.push(task);
  return found.sort(order).slice(0, limit);
}
