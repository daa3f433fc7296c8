import { hasEnded } from "../../core/attempts.ts";
import type { DocumentId, DocumentOf } from "../../schemas/documents.ts";
import type { Task } from "../../schemas/tasks.ts";
import { type Database, makeTables, type Part, sqlLimit, sqlText } from "./database.ts";

/**
 * Tasks with a finished attempt, in the order of their last writes. A part of its own: files of a
 * Landfall that did not know it go on being read.
 */
const endedTasksPart: Part = {
  name: "ended-tasks",
  version: 1,
  schema: `
    CREATE TABLE ended_tasks (
      change INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT UNIQUE NOT NULL
    )`,
};

const sql = {
  put: "INSERT OR REPLACE INTO ended_tasks (id) VALUES (?)",
  delete: "DELETE FROM ended_tasks WHERE id = ?",
  after: `SELECT ended_tasks.change, documents.id, documents.body
    FROM ended_tasks JOIN documents ON documents.id = ended_tasks.id
    WHERE ended_tasks.change > ? ORDER BY ended_tasks.change LIMIT ?`,
} as const;

export interface EndedTaskRows {
  /** Within the transaction that writes the document; null: deletes it. */
  written(id: DocumentId, body: DocumentOf<DocumentId> | null): void;
  /** Rows of `[change, id, body]`, oldest change first. */
  after(change: number, limit: number): readonly [change: number, id: string, body: string][];
}

/** Keeps that order in an open database. Numbers are given under the write lock, so none comes late. */
export function endedTaskRows(database: Database): EndedTaskRows {
  makeTables(database, endedTasksPart);
  return {
    written(id, body) {
      if (!id.startsWith("tasks/")) return;
      if (body === null) database.statement(sql.delete).run(sqlText(id));
      else if (hasEnded(body as Task)) database.statement(sql.put).run(sqlText(id));
    },
    after: (change, limit) => [
      ...database.statement<[number, string, string]>(sql.after).all(change, sqlLimit(limit)),
    ],
  };
}
