import type { EndedTasks, TaskCursor } from "../../ports/task-store.ts";
import type { FirestoreDatabase, StoredDocument } from "./firestore-database.ts";
import { endedTasksQuery } from "./firestore-queries.ts";
import type { Moment } from "./firestore-values.ts";

/**
 * How long a write may be on its way after Firestore gave it its time: a commit that was not
 * answered after 15 s is over. What is younger is looked at again.
 */
const underWayS = 60;

export interface EndedDocuments extends Omit<EndedTasks, "tasks"> {
  readonly found: readonly StoredDocument[];
}

/**
 * Tasks by `changedAt`, which Firestore sets. Several may have one time, so a page begins with the
 * time that the last one ended with; one that has a single time is read larger.
 */
export async function endedTasks(
  database: FirestoreDatabase,
  cursor: TaskCursor | null,
  limit: number,
): Promise<EndedDocuments> {
  const since = cursor === null ? longAgo : momentOf(cursor);
  for (let size = limit; ; size *= 2) {
    const { at, found } = await database.query(endedTasksQuery(since, size));
    const last = changedAt(found.at(-1));
    if (last === null) return { found, cursor, more: false };
    const more = found.length === size;
    if (more && compare(last, since) === 0) continue;
    const settled = { seconds: Number(at.seconds) - underWayS, nanos: at.nanos };
    const next = more ? last : later(since, earlier(last, settled));
    return { found, cursor: cursorOf(next), more };
  }
}

const longAgo: Moment = { seconds: 0, nanos: 0 };

function changedAt(document: StoredDocument | undefined): Moment | null {
  const value = document?.fields["changedAt"];
  return value !== undefined && "timestampValue" in value ? value.timestampValue : null;
}

function compare(one: Moment, other: Moment): number {
  return Number(one.seconds) - Number(other.seconds) || one.nanos - other.nanos;
}

function earlier(one: Moment, other: Moment): Moment {
  return compare(one, other) < 0 ? one : other;
}

function later(one: Moment, other: Moment): Moment {
  return compare(one, other) < 0 ? other : one;
}

function cursorOf({ seconds, nanos }: Moment): TaskCursor {
  return `${seconds}.${String(nanos).padStart(9, "0")}`;
}

function momentOf(cursor: TaskCursor): Moment {
  const [seconds = "0", nanos = "0"] = cursor.split(".");
  return { seconds, nanos: Number(nanos) };
}
