import type { EpochMs } from "../schemas/ids.ts";

/** One cell of family `cf`, qualifier `value`, as Chronon lays out its Bigtable tables. */
export interface Cell {
  /** At least one byte. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Cells of one key are ordered by it; writing the same timestamp again overwrites. */
  readonly timestamp: EpochMs;
}

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
  /** Deletes the whole row of each key, whatever its cells' timestamps; one that is not there is none. */
  delete(table: string, keys: readonly Uint8Array[]): Promise<void>;
  /**
   * How old a cell may become, in milliseconds, before the table drops it by itself; null when age
   * alone makes it drop none.
   */
  cellsKeptMs(table: string): Promise<number | null>;
  close(): Promise<void>;
}
