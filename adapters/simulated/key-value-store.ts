import type { Cell, KeyValueStore } from "../../ports/key-value-store.ts";

/** An online store in memory. */
export interface SimulatedKeyValueStore {
  open(): KeyValueStore;
}

/** Keeps the newest cell of a key: nothing else can be read through the port. */
export function simulatedKeyValueStore(): SimulatedKeyValueStore {
  const tables = new Map<string, Map<string, Cell>>();
  const open = (): KeyValueStore => {
    const store: KeyValueStore = {
      at: () => store,
      async write(table, cells) {
        const rows = tables.get(table) ?? new Map<string, Cell>();
        tables.set(table, rows);
        for (const cell of cells) {
          const key = keyOf(cell.key);
          const known = rows.get(key);
          if (known === undefined || known.timestamp <= cell.timestamp) rows.set(key, copy(cell));
        }
      },
      async read(table, keys) {
        const rows = tables.get(table);
        return [...new Set(keys.map(keyOf))].flatMap((key) => {
          const cell = rows?.get(key);
          return cell === undefined ? [] : [copy(cell)];
        });
      },
      async delete(table, cells) {
        const rows = tables.get(table);
        for (const { key, timestamp } of cells) {
          const known = rows?.get(keyOf(key));
          if (known !== undefined && known.timestamp <= timestamp) rows?.delete(keyOf(key));
        }
      },
      cellsKeptMs: async () => null,
      async close() {},
    };
    return store;
  };
  return { open };
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}

function copy({ key, value, timestamp }: Cell): Cell {
  return { key: Uint8Array.from(key), value: Uint8Array.from(value), timestamp };
}
