import fc from "fast-check";
import { expect } from "vitest";
import type { Cell, KeyValueStore } from "../../ports/key-value-store.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (key: Uint8Array): string => Buffer.from(key).toString("hex");

function cell(key: string, value: string, timestamp: number): Cell {
  return { key: bytes(key), value: bytes(value), timestamp };
}

function upTo(key: string, timestamp: number): Pick<Cell, "key" | "timestamp"> {
  return { key: bytes(key), timestamp };
}

/** The promises every key-value store keeps; each adapter runs this suite. */
export function describeKeyValueStore(
  name: string,
  make: () => Promise<Place<KeyValueStore>>,
  options: ContractOptions = {},
): void {
  contract<KeyValueStore>(`key-value store: ${name}`, { make, ...options }, (it) => {
    it("reads what was written, through every opening, and nothing else", async (open) => {
      const [store, other] = [await open(), await open()];
      const cells = [cell("a", "1", 10), cell("b", "2", 10)];
      await store.write("GROUPBY_BATCH", cells);
      const read = await other.read("GROUPBY_BATCH", [bytes("b"), bytes("c"), bytes("a")]);
      expect(sorted(read)).toEqual(cells);
    });

    it("reads and writes nothing when asked for nothing", async (open) => {
      const store = await open();
      await store.write("T", [cell("a", "1", 1)]);
      await store.write("T", []);
      expect(await store.read("T", [])).toEqual([]);
      expect(await store.read("unheard-of", [bytes("a")])).toEqual([]);
    });

    it("a key asked for twice is answered once", async (open) => {
      const store = await open();
      await store.write("T", [cell("a", "1", 1)]);
      expect(await store.read("T", [bytes("a"), bytes("a")])).toEqual([cell("a", "1", 1)]);
    });

    it("the newest timestamp wins, not the last write; the same one is overwritten", async (open) => {
      const store = await open();
      await store.write("T", [cell("a", "new", 20), cell("a", "old", 10)]);
      await store.write("T", [cell("a", "older", 5)]);
      expect(await store.read("T", [bytes("a")])).toEqual([cell("a", "new", 20)]);
      await store.write("T", [cell("a", "corrected", 20)]);
      expect(await store.read("T", [bytes("a")])).toEqual([cell("a", "corrected", 20)]);
      await store.write("T", [cell("a", "newest", 1_777_680_000_000)]);
      expect(await store.read("T", [bytes("a")])).toEqual([cell("a", "newest", 1_777_680_000_000)]);
    });

    it("deletes all cells up to a timestamp, of the table that was named; what is not there is no error", async (open) => {
      const [store, other] = [await open(), await open()];
      await store.write("T", [cell("a", "1", 1), cell("a", "2", 2), cell("b", "1", 1)]);
      await store.write("U", [cell("a", "1", 1)]);
      const [a, c] = [upTo("a", 2), upTo("c", 2)];
      await other.delete("T", [a, c, a]);
      expect(await store.read("T", [bytes("a"), bytes("b"), bytes("c")])).toEqual([
        cell("b", "1", 1),
      ]);
      expect(await store.read("U", [bytes("a")])).toEqual([cell("a", "1", 1)]);
      await store.write("T", [cell("a", "again", 1)]);
      expect(await store.read("T", [bytes("a")])).toEqual([cell("a", "again", 1)]);
      await store.delete("T", []);
      expect(await store.read("T", [bytes("b")])).toEqual([cell("b", "1", 1)]);
    });

    it("a delete leaves what was written later than what it names", async (open) => {
      const store = await open();
      const at = 1_777_680_000_000;
      await store.write("T", [cell("a", "old", at)]);
      await store.write("T", [cell("a", "new", at + 1), cell("b", "old", at)]);
      await store.delete("T", [upTo("a", at), upTo("b", at)]);
      expect(await store.read("T", [bytes("a"), bytes("b")])).toEqual([cell("a", "new", at + 1)]);
      await store.delete("T", [upTo("a", at + 1)]);
      expect(await store.read("T", [bytes("a")])).toEqual([]);
    });

    it("keeps tables apart, whatever they are called", async (open) => {
      const store = await open();
      const tables = ["T", "t", "__proto__", "'; DROP TABLE cells; --", "a/b", "\u0000", ""];
      for (const table of tables) await store.write(table, [cell("k", table, 1)]);
      for (const table of tables) {
        expect(await store.read(table, [bytes("k")])).toEqual([cell("k", table, 1)]);
      }
    });

    it("keeps what was written for later openings", async (open) => {
      const store = await open();
      await store.write("T", [cell("a", "1", 1)]);
      await store.close();
      expect(await (await open()).read("T", [bytes("a")])).toEqual([cell("a", "1", 1)]);
    });

    it("holds what a plain map would, for any bytes", async (open) => {
      const store = await open();
      const anyCell = fc.record({
        key: fc.uint8Array({ minLength: 1, maxLength: 2, max: 3 }),
        value: fc.uint8Array({ maxLength: 40 }),
        timestamp: fc.integer({ min: 0, max: 3 }),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(anyCell, { maxLength: 5 })), async (writes) => {
          round += 1;
          const model = new Map<string, Cell>();
          for (const cells of writes) {
            await store.write(`T${round}`, cells);
            for (const one of cells) {
              const known = model.get(hex(one.key));
              if (known === undefined || known.timestamp <= one.timestamp) {
                model.set(hex(one.key), one);
              }
            }
          }
          const keys = writes.flatMap((cells) => cells.map(({ key }) => key));
          expect(sorted(await store.read(`T${round}`, keys))).toEqual(sorted([...model.values()]));
        }),
        { numRuns: 40 },
      );
    });
  });
}

function sorted(cells: readonly Cell[]): readonly Cell[] {
  return cells
    .map(({ key, value, timestamp }) => ({
      key: Uint8Array.from(key),
      value: Uint8Array.from(value),
      timestamp,
    }))
    .toSorted((one, other) => (hex(one.key) < hex(other.key) ? -1 : 1));
}
