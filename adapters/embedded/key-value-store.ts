import type { Cell, DeletedCells, KeyValueStore } from "../../ports/key-value-store.ts";
import { type Database, openDatabase, sqlText } from "./database.ts";

/**
 * An online store in a SQLite file. Only the newest cell of a key is kept: nothing else can be read
 * through the port, and a rehearsal would otherwise grow without end. A machine has one for all teams.
 */
export function sqliteKeyValueStore({ file }: { readonly file: string }): KeyValueStore {
  const database = openDatabase(file, { name: "key-values", version: 1, schema });
  const store: KeyValueStore = {
    at: () => store,
    async write(table, cells) {
      if (cells.length > 0) write(database, sqlText(table), cells);
    },
    async read(table, keys) {
      return keys.length === 0 ? [] : read(database, sqlText(table), keys);
    },
    async delete(table, cells) {
      if (cells.length > 0) erase(database, sqlText(table), cells);
    },
    cellsKeptMs: async () => null,
    async close() {
      database.close();
    },
  };
  return store;
}

const schema = `
  CREATE TABLE cells (
    dataset TEXT NOT NULL,
    key BLOB NOT NULL,
    timestamp INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (dataset, key)
  ) WITHOUT ROWID`;

function write(database: Database, table: string, cells: readonly Cell[]): void {
  const upsert = database.statement(
    `INSERT INTO cells (dataset, key, timestamp, value) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET timestamp = excluded.timestamp, value = excluded.value
     WHERE excluded.timestamp >= timestamp`,
  );
  database.write(() => {
    for (const { key, timestamp, value } of cells) upsert.run(table, key, timestamp, value);
  });
}

function read(database: Database, table: string, keys: readonly Uint8Array[]): readonly Cell[] {
  const newest = database.statement<[number, Uint8Array]>(
    "SELECT timestamp, value FROM cells WHERE dataset = ? AND key = ?",
  );
  const distinct = new Map(keys.map((key) => [Buffer.from(key).toString("hex"), key]));
  return database.read(() =>
    [...distinct.values()].flatMap((key) => {
      const row = newest.get(table, key);
      return row === undefined
        ? []
        : [{ key: Uint8Array.from(key), timestamp: row[0], value: Uint8Array.from(row[1]) }];
    }),
  );
}

function erase(database: Database, table: string, cells: readonly DeletedCells[]): void {
  const upTo = database.statement(
    "DELETE FROM cells WHERE dataset = ? AND key = ? AND timestamp <= ?",
  );
  database.write(() => {
    for (const { key, timestamp } of cells) upTo.run(table, key, timestamp);
  });
}
