import { RetryableError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { call, type Life } from "./life.ts";

/** When a process gives up what was not answered, and how late it may arrive all the same. */
const deadlineMs = 10_000;
const lateMsMax = 900_000;

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
    delete(table, cells) {
      const what = `deleting rows of ${table}`;
      return call(life, {
        what,
        port: "key-values",
        effect: () => deleting(life, what, () => inner.delete(table, cells)),
        refused: "write-refused",
        lost: "write-answer-lost",
        slow: "write-slow",
      });
    },
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

/** A deletion that is on its way arrives whatever becomes of the process that asked for it. */
async function deleting(
  { name, faults, place }: Life,
  what: string,
  effect: () => Promise<void>,
): Promise<void> {
  const { time } = place;
  const where = `${name}: ${what}`;
  if (!faults.strikes("delete-late", where)) return effect();
  time.at(time.now() + faults.drawn(where, 1_000, lateMsMax), () => void effect());
  await time.sleep(deadlineMs);
  throw new RetryableError(`${what} was not answered in time`);
}
