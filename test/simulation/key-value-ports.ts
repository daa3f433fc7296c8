import { RetryableError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { call, type Life } from "./life.ts";

/** The online store as one process sees it. */
export function keyValuesOf(life: Life, inner: KeyValueStore): KeyValueStore {
  const store: KeyValueStore = {
    ...inner,
    at: () => store,
    read: (table, keys) =>
      call(life, {
        what: "reading the online store",
        port: "key-values",
        effect: () => inner.read(table, keys),
        refused: "read-refused",
      }),
    async write(table, cells) {
      const what = `writing rows of ${table}`;
      const half = cells.slice(0, Math.ceil(cells.length / 2));
      const isHalved = life.faults.strikes("write-halved", `${life.name}: ${what}`);
      await call(life, {
        what,
        port: "key-values",
        effect: () => inner.write(table, isHalved ? half : cells),
        refused: "write-refused",
        lost: "write-answer-lost",
        slow: "write-slow",
      });
      if (isHalved) throw new RetryableError(`${what} was not finished`);
    },
    delete: (table, cells) =>
      call(life, {
        what: `deleting rows of ${table}`,
        port: "key-values",
        effect: () => inner.delete(table, cells),
        refused: "write-refused",
        lost: "write-answer-lost",
        slow: "write-slow",
      }),
    cellsKeptMs: (table) =>
      call(life, {
        what: `describing ${table}`,
        port: "key-values",
        effect: () => inner.cellsKeptMs(table),
        refused: "read-refused",
      }),
  };
  return store;
}
