import type { EpochMs } from "../schemas/ids.ts";

/** One cell of family `cf`, qualifier `value`, as Chronon lays out its Bigtable tables. */
export interface Cell {
  /** At least one byte. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Cells of one key are ordered by it; writing the same timestamp again overwrites. */
  readonly timestamp: EpochMs;
}

/** What is deleted of a key: as a rule a cell that was read, and all older ones. */
export type DeletedCells = Pick<Cell, "key" | "timestamp">;

/** The online store. Dataset names and row keys: Chronon's `BigTableKVStoreImpl`. */
export interface KeyValueStore {
  /**
   * The online store in a Bigtable instance, which teams may have of their own; this one itself where
   * there is only one. It is closed with this one.
   */
  at(instance: string): KeyValueStore;
  write(table: string, cells: readonly Cell[]): Promise<void>;
  /** The newest cell of each key that has one. An empty list of keys reads nothing. */
  read(table: string, keys: readonly Uint8Array[]): Promise<readonly Cell[]>;
  /**
   * Deletes the cells of each key up to a timestamp, that one too: what was written later stays, however
   * late this arrives. A key that has none is no error.
   */
  delete(table: string, cells: readonly DeletedCells[]): Promise<void>;
  /**
   * How old a cell may become, in milliseconds, before the table drops it by itself; null when age
   * alone makes it drop none.
   */
  cellsKeptMs(table: string): Promise<number | null>;
  close(): Promise<void>;
}
