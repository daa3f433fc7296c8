import { afterEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../core/hash.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { TurnLost } from "../../services/dispatcher/metadata/ledger.ts";
import { writeRows } from "../../services/dispatcher/metadata/rows.ts";
import { type MetadataPlace, metadataPlace, table } from "../support/metadata-place.ts";

const dayMs = 86_400_000;

let at: MetadataPlace;

afterEach(() => at.close());

const confOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { name: "conf", bytes, size: bytes.length, generation: 1, updatedAt: 0 };
};

/** A row whose compiled file is `{}`. */
const rowOf = (key: string) => ({
  key,
  team: "risk",
  conf: { path: `compiled/${key}`, hash: sha256Hex("{}") },
});

/** The world's store, of which one method is another. */
function storeThat(change: Partial<KeyValueStore>): KeyValueStore {
  return { ...at.keyValueStore, ...change };
}

describe("one row that cannot be written keeps no other from being refreshed, and nothing is recorded", () => {
  const named = (n: number) => `risk.j${String(n).padStart(3, "0")}`;
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [named(n), "1"]));
  const broken = named(5);
  const rowKey = metadataRowKey(table, `joins/${broken}`);

  /** When the newest cell of each of the others was written. */
  async function writtenAt(): Promise<number[]> {
    const keys = Object.keys(many)
      .filter((name) => name !== broken)
      .map((name) => metadataRowKey(table, `joins/${name}`));
    return (await at.keyValueStore.read(table, keys)).map(({ timestamp }) => timestamp);
  }

  /** Two days with the broken row, and then without. `begin` breaks it and answers how to mend it. */
  async function days(begin: () => Promise<() => Promise<void>>): Promise<void> {
    const before = await at.head();
    const mend = await begin();
    await at.pass(2 * dayMs);
    const written = await writtenAt();
    expect(written).toHaveLength(299);
    expect(Math.min(...written)).toBeGreaterThan(at.clock.now() - dayMs);
    const during = await at.head();
    expect(during?.uploaded).toEqual(before?.uploaded);
    expect(during?.refreshedAt).toBe(before?.refreshedAt);
    expect(during?.trouble?.sentence).toContain(broken.slice("risk.".length));
    expect(during?.trouble?.since).toBeLessThan(at.clock.now() - dayMs + 120_000);
    await mend();
    await at.pass(11 * 60_000);
    expect(await at.head()).toMatchObject({ trouble: null, uploaded: before?.uploaded });
    expect((await at.head())?.refreshedAt).toBeGreaterThan(during?.trouble?.since ?? 0);
  }

  test("a conf that is gone from the bucket", async () => {
    at = metadataPlace({ tickMs: 60_000 });
    await at.release(many);
    let isGone = false;
    const configs = {
      ...at.configs,
      read: async (name: string) =>
        isGone && name.startsWith("confs/") && name.endsWith("/j005")
          ? null
          : at.configs.read(name),
    };
    at.start("one", { ...at, configs });
    await at.pass(120_000);
    await days(async () => {
      isGone = true;
      return async () => {
        isGone = false;
      };
    });
  });

  test("a cell of the future", async () => {
    at = metadataPlace({ tickMs: 60_000 });
    await at.release(many);
    at.start("one");
    await at.pass(120_000);
    const future = { key: rowKey, value: Buffer.from("{}"), timestamp: Date.parse("2099-01-01") };
    await days(async () => {
      await at.keyValueStore.write(table, [future]);
      return () => at.keyValueStore.delete(table, [future]);
    });
  });

  test("an instance without the table", async () => {
    at = metadataPlace();
    const wrong = await writeRows(
      {
        ...at,
        configs: { ...at.configs, read: async () => confOf("{}") },
        keyValueStore: storeThat({
          at: () =>
            storeThat({
              write: () => Promise.reject(new PermanentError("table T is not there: create it")),
            }),
        }),
      },
      { table, keep: async () => {} },
      [{ ...rowOf("joins/growth.a"), instance: "growth-features" }, rowOf("joins/risk.b")],
    );
    expect(wrong.map(({ message }) => message)).toEqual(["table T is not there: create it"]);
    const key = metadataRowKey(table, "joins/risk.b");
    expect(await at.keyValueStore.read(table, [key])).toHaveLength(1);
  });

  test("whose turn is over writes nothing more", async () => {
    at = metadataPlace();
    let writes = 0;
    const keyValueStore = storeThat({
      async write() {
        writes += 1;
      },
    });
    const lost = async () => {
      throw new TurnLost("its time is over");
    };
    const configs = { ...at.configs, read: async () => confOf("{}") };
    const rows = [rowOf("joins/risk.a")];
    const writing = writeRows({ ...at, keyValueStore, configs }, { table, keep: lost }, rows);
    await expect(writing).rejects.toThrow(TurnLost);
    expect(writes).toBe(0);
  });

  test("nothing is deleted in a pass that failed", async () => {
    at = metadataPlace({ metadata: { removal: "delete" } });
    await at.release(many);
    at.start("one");
    await at.pass(3_000);
    const future = { key: rowKey, value: Buffer.from("{}"), timestamp: Date.parse("2099-01-01") };
    await at.keyValueStore.write(table, [future]);
    const { [named(7)]: _gone, ...rest } = many;
    await at.release({ ...rest, [broken]: "2" });
    await at.pass(60_000);
    expect(await at.served([named(7)])).toEqual({ [named(7)]: "1" });
    await at.keyValueStore.delete(table, [future]);
    await at.pass(61_000);
    expect(await at.served([named(7)])).toEqual({});
  });
});
