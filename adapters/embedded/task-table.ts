import { queuePlace } from "../../core/queue-place.ts";
import type { DocumentVersion } from "../../ports/task-store.ts";
import { collectionOf, type DocumentId, type DocumentOf } from "../../schemas/documents.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import type { Task, TaskStateKind } from "../../schemas/tasks.ts";
import { type Part, type SqlValue, sqlText } from "./database.ts";

/**
 * One table for all collections: its id is `{collection}/{id}`. What tasks are looked for by is
 * copied out of their bodies into columns, null for every other document, so that the indexes hold
 * tasks alone.
 */
export const taskStorePart: Part = {
  name: "task-store",
  version: 1,
  schema: `
    CREATE TABLE documents (
      id TEXT PRIMARY KEY NOT NULL,
      version TEXT NOT NULL,
      body TEXT NOT NULL,
      state TEXT,
      step TEXT,
      start TEXT,
      wake_at INTEGER,
      queued_for TEXT,
      ready_since INTEGER
    );
    CREATE INDEX tasks_due ON documents (wake_at, id) WHERE wake_at IS NOT NULL;
    CREATE INDEX tasks_queued ON documents (queued_for, ready_since, id) WHERE queued_for IS NOT NULL;
    CREATE INDEX tasks_by_start ON documents (start DESC, id) WHERE state IS NOT NULL;
    CREATE INDEX tasks_by_state ON documents (state, start DESC, id) WHERE state IS NOT NULL;
    CREATE INDEX tasks_by_step ON documents (step, start DESC, id) WHERE state IS NOT NULL`,
};

/** Columns that an id decides are not written again: that would rewrite their indexes. */
const fixed = ["step", "start"] as const;
const changing = ["version", "body", "state", "wake_at", "queued_for", "ready_since"] as const;

/** Statements on single documents and on the tasks a dispatcher looks for. */
export const taskQueries = {
  /** Values: `rowOf` a document. */
  put: `INSERT INTO documents (id, ${[...fixed, ...changing].join(", ")})
    VALUES (?, ${[...fixed, ...changing].map(() => "?").join(", ")})
    ON CONFLICT (id) DO UPDATE SET ${changing.map((name) => `${name} = excluded.${name}`).join(", ")}`,
  /** Values: now, limit. */
  due: "SELECT id FROM documents WHERE wake_at <= ? ORDER BY wake_at, id LIMIT ?",
  /** Values: pool, limit. */
  queued: "SELECT id FROM documents WHERE queued_for = ? ORDER BY ready_since, id LIMIT ?",
} as const;

/** The row of a document, in the order of `put`. */
export function rowOf(
  id: DocumentId,
  body: DocumentOf<DocumentId>,
  version: DocumentVersion,
): readonly SqlValue[] {
  const shared = [version, JSON.stringify(body)];
  if (collectionOf(id) !== "tasks") return [sqlText(id), null, null, ...shared, ...noTask];
  const { state, wakeAt, queuedFor } = body as Task;
  const { step, range } = parseTaskId(id.slice("tasks/".length));
  return [
    sqlText(id),
    sqlText(step),
    sqlText(range.start),
    ...shared,
    state.kind,
    wakeAt,
    queuedFor === null ? null : sqlText(queuedFor),
    queuePlace(state),
  ];
}

const noTask = [null, null, null, null] as const;

/** The query of a list of tasks, and its values but for the limit, which comes last. */
export function listing(filter: { readonly state?: TaskStateKind; readonly step?: string }): {
  readonly sql: string;
  readonly values: readonly string[];
} {
  const conditions = ["state IS NOT NULL"];
  const values: string[] = [];
  if (filter.step !== undefined) {
    conditions.push("step = ?");
    values.push(sqlText(filter.step));
  }
  if (filter.state !== undefined) {
    conditions.push("state = ?");
    values.push(filter.state);
  }
  const sql = `SELECT id, body FROM documents WHERE ${conditions.join(" AND ")}
    ORDER BY start DESC, id LIMIT ?`;
  return { sql, values };
}
