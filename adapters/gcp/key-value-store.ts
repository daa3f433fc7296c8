import type { Instance } from "@google-cloud/bigtable";
import type { Cell, DeletedCells, KeyValueStore } from "../../ports/key-value-store.ts";
import { type BigtablePlace, bigtableInstance } from "./bigtable-client.ts";
import { operatingError } from "./bigtable-errors.ts";
import { ageLimitOf } from "./bigtable-table.ts";

/**
 * The online store in a Bigtable instance, byte for byte as Chronon's `BigTableKVStoreImpl` has it:
 * family `cf`, qualifier `value`, the newest timestamp wins. Tables must be there
 * (`createBigtableTable`); which table a dataset lies in is the caller's to know.
 */
export function bigtableKeyValueStore(place: BigtablePlace): KeyValueStore {
  const { instance, ready, close } = bigtableInstance(place);
  const answered = async <T>(table: string, call: () => Promise<T>): Promise<T> => {
    try {
      await ready();
      return await call();
    } catch (cause) {
      throw operatingError(cause, table);
    }
  };
  const others = new Map<string, KeyValueStore>();
  const store: KeyValueStore = {
    at(instanceId) {
      if (instanceId === place.instanceId) return store;
      const known = others.get(instanceId) ?? bigtableKeyValueStore({ ...place, instanceId });
      others.set(instanceId, known);
      return known;
    },
    write: (table, cells) => answered(table, () => write(instance, table, cells)),
    read: (table, keys) => answered(table, () => read(instance, table, keys)),
    delete: (table, cells) => answered(table, () => erase(instance, table, cells)),
    cellsKeptMs: (table) => answered(table, () => ageLimitOf(instance, table)),
    async close() {
      await Promise.all([close(), ...[...others.values()].map((other) => other.close())]);
    },
  };
  return store;
}

const gaxOptions = { timeout: 5_000 };

/** Entries of one request are applied in any order: of the same cell only the last may be sent. */
async function write(instance: Instance, table: string, cells: readonly Cell[]): Promise<void> {
  const last = new Map(cells.map((cell) => [`${hex(cell.key)} ${cell.timestamp}`, cell]));
  const entries = [...last.values()].map(({ key, value, timestamp }) => ({
    key: Buffer.from(key),
    data: { cf: { value: { value: Buffer.from(value), timestamp: new Date(timestamp) } } },
  }));
  if (entries.length > 0) await instance.table(table).insert(entries, gaxOptions);
}

/** Each row is a mutation of its own in one request; the end of a range of timestamps is not in it. */
async function erase(
  instance: Instance,
  table: string,
  cells: readonly DeletedCells[],
): Promise<void> {
  const entries = cells.map(({ key, timestamp }) => ({
    key: Buffer.from(key),
    method: "delete",
    data: [{ column: "cf:value", time: { end: new Date(timestamp + 1) } }],
  }));
  if (entries.length > 0) await instance.table(table).mutate(entries, { gaxOptions });
}

/** What the client gives of a cell with `decode: false`. */
interface Found {
  readonly value: Buffer | number;
  readonly timestamp: string | number;
}

/** No keys must never be asked for: that reads the whole table. */
async function read(
  instance: Instance,
  table: string,
  keys: readonly Uint8Array[],
): Promise<readonly Cell[]> {
  if (keys.length === 0) return [];
  const distinct = new Map(keys.map((key) => [hex(key), Buffer.from(key)]));
  const [rows] = await instance.table(table).getRows({
    keys: [...distinct.values()] as unknown as string[],
    decode: false,
    filter: [{ family: /^cf$/ }, { column: { name: "value", cellLimit: 1 } }],
    gaxOptions,
  });
  return rows.flatMap((row) => {
    const { cf } = row.data as { readonly cf?: { readonly value?: readonly Found[] } };
    const newest = cf?.value?.[0];
    if (newest === undefined) return [];
    return [
      {
        key: Uint8Array.from(row.id as unknown as Buffer),
        value: bytesOf(newest.value),
        timestamp: Math.floor(Number(newest.timestamp) / 1_000),
      },
    ];
  });
}

/** The client takes every value of eight bytes for a number, where a number can hold it. */
function bytesOf(value: Buffer | number): Uint8Array {
  if (typeof value !== "number") return Uint8Array.from(value);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return Uint8Array.from(bytes);
}

function hex(key: Uint8Array): string {
  return Buffer.from(key).toString("hex");
}
