import type { CursorDocument } from "../schemas/documents.ts";

/** A commit of a log that carries `metaData`, in order of commits. */
export interface NamedCommit {
  readonly n: number;
  readonly tableId: string;
}

/**
 * The epoch of each commit of a log read from its beginning: it grows when `metaData.id` changes.
 * The cursor says how many epochs the table had before; without one the first is 0.
 */
export function epochsOf(
  named: readonly NamedCommit[],
  cursor: Pick<CursorDocument, "tableId" | "epoch" | "contiguous"> | null,
  newest: number,
): (n: number) => number {
  const changes = named.filter((commit, at) => at > 0 && commit.tableId !== named[at - 1]?.tableId);
  const changesTo = (n: number) => changes.filter((commit) => commit.n <= n).length;
  if (cursor === null) return changesTo;
  if (isRestarted(named, cursor, newest)) return (n) => cursor.epoch + 1 + changesTo(n);
  const before = changesTo(cursor.contiguous);
  return (n) => Math.max(0, cursor.epoch - before + changesTo(n));
}

/** Whether a log is not the one the cursor was in: made anew, under another id or shorter. */
export function isRestarted(
  named: readonly NamedCommit[],
  cursor: Pick<CursorDocument, "tableId" | "epoch" | "contiguous">,
  newest: number,
): boolean {
  if (cursor.tableId === null) return false;
  const then = named.findLast((commit) => commit.n <= cursor.contiguous);
  return newest < cursor.contiguous || (then !== undefined && then.tableId !== cursor.tableId);
}
