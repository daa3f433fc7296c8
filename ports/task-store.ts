import type { DocumentId, DocumentOf } from "../schemas/documents.ts";
import type { EpochMs, TaskId } from "../schemas/ids.ts";
import type { Task, TaskStateKind } from "../schemas/tasks.ts";

/** Opaque; equal exactly when the document was not written in between. */
export type DocumentVersion = string;

/** A document as it was read; `body: null` when it was not there (its version is null too). */
export type Read<Id extends DocumentId = DocumentId> =
  | { readonly version: DocumentVersion; readonly body: DocumentOf<Id> }
  | { readonly version: null; readonly body: null };

export interface Write {
  readonly id: DocumentId;
  /** Null deletes. */
  readonly body: DocumentOf<DocumentId> | null;
  /** The version this write was decided on; null: the document must not exist. */
  readonly version: DocumentVersion | null;
}

export interface Check {
  readonly id: DocumentId;
  /** Null: the document must still be absent. */
  readonly version: DocumentVersion | null;
}

/**
 * `committed`: all writes are durable, each at `version`. `conflict`: nothing was written, a write
 * or check did not hold. `unknown`: it may or may not have been; read again.
 */
export type CommitAnswer =
  | { readonly kind: "committed"; readonly version: DocumentVersion }
  | { readonly kind: "conflict" }
  | { readonly kind: "unknown"; readonly cause: string };

/** A place in the order in which tasks were written; only a store can read it. */
export type TaskCursor = string;

/** Tasks with a finished attempt, as far as they were asked for. */
export interface EndedTasks {
  readonly tasks: readonly Task[];
  /** Where to go on; null: nothing was ever found. */
  readonly cursor: TaskCursor | null;
  /** Whether there are more now. */
  readonly more: boolean;
}

/** What a store did, counted by itself. */
export interface StoreCounters {
  readonly documentsRead: number;
  readonly documentsWritten: number;
  readonly documentsChecked: number;
  readonly commits: number;
  readonly conflicts: number;
}

/**
 * Documents with optimistic, all-or-nothing commits over many of them.
 *
 * A commit is atomic and serializable with every other: if it answers `committed`, all its checks
 * and write versions held at one moment at which all its writes appeared. Reads see only what was
 * committed, and everything that was before they began. Nothing committed is lost by `kill -9`.
 */
export interface TaskStore {
  /** Reads documents at one moment. Every id asked for is in the answer. */
  read(ids: readonly DocumentId[]): Promise<ReadonlyMap<DocumentId, Read>>;
  /** At most 500 writes and checks together. With no writes it only proves the checks. */
  commit(commit: {
    readonly writes: readonly Write[];
    readonly checks: readonly Check[];
  }): Promise<CommitAnswer>;
  /** Ids of tasks with `wakeAt` <= `now`, the most overdue first. */
  dueTasks(now: EpochMs, limit: number): Promise<readonly TaskId[]>;
  /** Ids of tasks with `queuedFor` = `pool`, longest `ready` first, head starts counted in. */
  queuedTasks(pool: string, limit: number): Promise<readonly TaskId[]>;
  /** For people: tasks, newest partition first. */
  listTasks(filter: {
    readonly state?: TaskStateKind;
    readonly step?: string;
    readonly limit: number;
  }): Promise<readonly Task[]>;
  /**
   * Tasks that have a finished attempt and were written after `cursor`, in the order of their last
   * writes. Whoever goes on from cursor to cursor sees each of them as its last write left it, or
   * later, and none is left out, however long a commit took; some are seen again.
   */
  endedTasks(cursor: TaskCursor | null, limit: number): Promise<EndedTasks>;
  counters(): StoreCounters;
  close(): Promise<void>;
}
