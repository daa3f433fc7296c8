import type { PartitionColumn } from "../../core/delta.ts";
import { dayColumn } from "../../core/delta-partitions.ts";
import type { LakeTable, Located } from "../../core/lake-layout.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectInfo, ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { PartitionLanded, TableRecreated } from "../../schemas/events.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import type { Landing } from "../../schemas/landings.ts";
import type { Settings } from "../../schemas/settings.ts";

/** What the reading of tables needs. */
export interface Following {
  readonly lake: ObjectStore;
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  /** Resolves when every event is durable. Throws `RetryableError` when told to stop before. */
  publish(events: readonly (PartitionLanded | TableRecreated)[]): Promise<void>;
  /**
   * Makes durable how far a table reached at its first look, before that is told: what comes later is
   * news, whatever crashes. Answers the cursor that is stored.
   */
  begin(cursor: CursorDocument): Promise<CursorDocument>;
  /** How long a commit that cannot be read holds back later ones. */
  readonly patienceMs: number;
}

/** A table of the plan and how far its log was read. Held in memory; `cursor` is what lasts. */
export interface Followed {
  table: LakeTable;
  /** Where its Delta log lies; null: none was seen. */
  path: string | null;
  /** What was published; null: the table is new to the plan and was not looked at. */
  cursor: CursorDocument | null;
  /** Generations of the commits read last, by version. */
  readonly generations: Map<number, number>;
  /** Commits notified although they, or something in their place, were read before. */
  readonly again: Set<number>;
  /** The newest commit notified. */
  newestHeard: number;
  /** This process knows that the log is the one the cursor was in. */
  verified: boolean;
  /** Generation of the log's commit 0 when that was made sure of; null: it has none. */
  beginning: number | null | undefined;
  /** The log was listed and compared with what was read, since it was the table's turn. */
  compared: boolean;
  /** A commit that cannot be read yet. */
  held: Held | null;
  readonly markers: Marker[];
  /** This process looked through it for markers. */
  searched: boolean;
  /** Markers were seen, so losses of their notifications are looked for. */
  marked: boolean;
  /** Looking at it failed; it is looked at again soon. */
  failing: boolean;
  /** Lines that were logged once already. */
  readonly told: Set<string>;
}

/** A table whose Delta log lies at `path` and that was looked at before. */
export type Known = Followed & { path: string; cursor: CursorDocument };

/** Events published together while a table catches up. */
export const publishedTogether = 500;

export interface Held {
  readonly version: number;
  readonly generation: number;
  readonly since: number;
}

export type Marker = Extract<Located, { kind: "marker" }> & { readonly object: ObjectInfo };

export function followed(table: LakeTable, cursor: CursorDocument | null): Followed {
  return {
    table,
    path: null,
    cursor,
    generations: new Map(),
    again: new Set(),
    newestHeard: -1,
    verified: false,
    beginning: undefined,
    compared: false,
    held: null,
    markers: [],
    searched: false,
    marked: false,
    failing: false,
    told: new Set(),
  };
}

/** The cursor of a table that was looked at and has no commit. */
export function emptyCursor(table: LakeTable): CursorDocument {
  return toldCursor(table, { tableId: null, epoch: 0, contiguous: -1, partitionColumns: [] });
}

/** How far a table's log was read, when all of that was told as the table is read. */
export function toldCursor(
  table: LakeTable,
  {
    tableId,
    epoch,
    contiguous,
    partitionColumns,
  }: Pick<CursorDocument, "tableId" | "epoch" | "contiguous" | "partitionColumns">,
): CursorDocument {
  const readAs = readingOf(table, partitionColumns);
  return { schema: 1, table: table.name, tableId, epoch, contiguous, partitionColumns, readAs };
}

/** As what a table is read: the column of its days, how they are written, and the names it lands under. */
function readingOf(
  { columns, format, landsAs }: LakeTable,
  partitionColumns: readonly PartitionColumn[],
): string {
  const column = dayColumn(partitionColumns, columns)?.name ?? columns.join(" or ");
  const names = landsAs.map(({ name }) => name).sort();
  return `${column} ${format} as ${names.join(", ")}`;
}

/** Whether what had landed before is to be told: nothing of it is sure to have been, as the table is read now. */
export function isUntold({ table, cursor }: Pick<Followed, "table" | "cursor">): boolean {
  if (cursor === null || cursor.telling === true) return true;
  return cursor.readAs !== readingOf(table, cursor.partitionColumns);
}

const generationsKept = 64;

/** Remembers which bytes of a commit were read, so that late notifications of them are nothing. */
export function rememberGeneration({ generations }: Followed, version: number, is: number): void {
  generations.delete(version);
  generations.set(version, is);
  for (const oldest of generations.keys()) {
    if (generations.size <= generationsKept) return;
    generations.delete(oldest);
  }
}

/** Logs a line about a table the first time it is true. */
export function tellOnce({ told, table }: Followed, log: Log, line: string): void {
  if (told.has(line)) return;
  told.add(line);
  log.warn({ table: table.name }, line);
}

export function landed(
  table: TableName,
  partition: Partition,
  more: { readonly landing: Landing; readonly backlog: boolean },
): PartitionLanded {
  return { kind: "partition-landed", schema: 1, table, partition, ...more };
}
