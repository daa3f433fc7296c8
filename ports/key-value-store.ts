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
  write(table: string, cells: readonly Cell[]): Promise<void>;
  /** The newest cell of each key that has one. An empty list of keys reads nothing. */
  read(table: string, keys: readonly Uint8Array[]): Promise<readonly Cell[]>;
  close(): Promise<void>;
}
