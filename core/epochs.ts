import type { CursorDocument } from "../schemas/documents.ts";

/** Where a reading of a log begins to count epochs. */
export interface EpochBase {
  /** Epoch of the commits read first. */
  readonly epoch: number;
  /** The log is not the one the cursor was in: it was made anew, shorter or under another id. */
  readonly restarted: boolean;
}

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
  const base = baseOf(named, cursor, newest);
  const before = cursor !== null && !base.restarted ? changesTo(cursor.contiguous) : 0;
  return (n) => Math.max(0, base.epoch - before + changesTo(n));
}

function baseOf(
  named: readonly NamedCommit[],
  cursor: Pick<CursorDocument, "tableId" | "epoch" | "contiguous"> | null,
  newest: number,
): EpochBase {
  if (cursor === null || cursor.tableId === null) return { epoch: 0, restarted: false };
  const then = named.findLast((commit) => commit.n <= cursor.contiguous);
  const restarted =
    newest < cursor.contiguous || (then !== undefined && then.tableId !== cursor.tableId);
  return { epoch: restarted ? cursor.epoch + 1 : cursor.epoch, restarted };
}
