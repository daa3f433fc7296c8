import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { metadataRowKey } from "../../core/metadata.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { writeRelease } from "../../releases/release.ts";
import { started } from "../support/dispatcher-place.ts";
import { joinFiles, type MetadataPlace, metadataPlace, table } from "../support/metadata-place.ts";
import { mortal } from "../support/mortal.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const names = ["risk.a", "risk.b", "growth.c"];
const first = { "risk.a": "1", "risk.b": "1", "growth.c": "1" };
const second = { "risk.a": "2", "risk.b": "1", "growth.c": "2" };

let at: MetadataPlace;

afterEach(() => at.close());

/** The world's store, of which one method is another. */
function storeThat(change: Partial<KeyValueStore>): KeyValueStore {
  return { ...at.keyValueStore, ...change };
}

describe("a release", () => {
  test("is uploaded verbatim, at the time of writing; the next writes only what changed", async () => {
    at = metadataPlace();
    await at.release(first);
    const writes: number[] = [];
    const keyValueStore = storeThat({
      write(into, cells) {
        writes.push(cells.length);
        return at.keyValueStore.write(into, cells);
      },
    });
    at.start("one", { ...at, keyValueStore });
    await at.pass(3_000);
    const key = metadataRowKey(table, "joins/risk.a");
    const [cell] = await at.keyValueStore.read(table, [key]);
    const text = joinFiles(first).find(({ path }) => path.endsWith("/a"))?.text ?? "";
    expect(Buffer.from(cell?.value ?? []).toString("utf8")).toBe(text);
    expect(cell?.timestamp).toBeLessThanOrEqual(at.clock.now());
    expect(cell?.timestamp).toBeGreaterThan(at.clock.now() - 3_000);
    const { uploaded } = (await at.head()) ?? {};
    expect(uploaded).toMatchObject({ rows: 3, changed: 3 });
    expect(uploaded?.effectiveBy).toBe((uploaded?.at ?? 0) + 2 * hourMs);
    await at.release(second);
    await at.pass(3_000);
    expect(await at.served(names)).toEqual(second);
    expect((await at.head())?.uploaded).toMatchObject({ rows: 3, changed: 2 });
    expect(writes).toEqual([3, 2]);
  });

  test("is uploaded by the dispatcher that is told of it, whenever the next tick comes", async () => {
    at = metadataPlace({ tickMs: dayMs });
    const end = started({ ...at, metadataInto: at.keyValueStore });
    for (const joins of [first, second]) {
      const release = await writeRelease(at.configs, joinFiles(joins));
      await at.bus.publish([{ kind: "configs-released", schema: 1, release }]);
      await at.pass(3_000);
      expect(await at.served(names)).toEqual(joins);
    }
    await Promise.all([end(), at.pass(60_000)]);
  });

  test("with the same metadata writes nothing; after a day everything is written again", async () => {
    at = metadataPlace();
    await at.release(first);
    at.start("one");
    await at.pass(3_000);
    const before = await at.head();
    await at.pass(dayMs - 10_000);
    expect(await at.head()).toEqual(before);
    const key = metadataRowKey(table, "joins/risk.b");
    await at.keyValueStore.delete(table, [{ key, timestamp: at.clock.now() }]);
    await at.pass(10 * 60_000);
    expect(await at.served(names)).toEqual(first);
    const after = await at.head();
    expect(after?.uploaded).toEqual(before?.uploaded);
    expect(after?.refreshedAt).toBeGreaterThan(before?.refreshedAt ?? 0);
  });
});

describe("trouble is one sentence, is tried again, and nothing of it is recorded as uploaded", () => {
  test("a table that is missing", async () => {
    at = metadataPlace();
    await at.release(first);
    let there = false;
    const missing = new PermanentError("table CHRONON_METADATA is not there: create it");
    const keyValueStore = storeThat({
      async write(into, cells) {
        if (!there) throw missing;
        await at.keyValueStore.write(into, cells);
      },
    });
    at.start("one", { ...at, keyValueStore });
    await at.pass(5 * 60_000);
    expect(await at.head()).toMatchObject({
      uploaded: null,
      trouble: { sentence: missing.message },
    });
    there = true;
    await at.pass(61_000);
    expect(await at.head()).toMatchObject({ uploaded: { rows: 3 }, trouble: null });
    expect(await at.served(names)).toEqual(first);
  });

  test("a conf that vanished between compiling and upload", async () => {
    at = metadataPlace();
    await at.release(first);
    let vanished = true;
    const configs = {
      ...at.configs,
      read: async (name: string) =>
        vanished && name.startsWith("confs/") && name.endsWith("/b") ? null : at.configs.read(name),
    };
    at.start("one", { ...at, configs });
    await at.pass(60_000);
    const { trouble, uploaded } = (await at.head()) ?? {};
    expect(trouble?.sentence).toMatch(
      /^confs\/[0-9a-f]{64}\/b, the conf of joins\/risk\.b, is not in the configs store: release/,
    );
    expect([uploaded, await at.rows()]).toEqual([null, {}]);
    vanished = false;
    await at.pass(61_000);
    expect(await at.head()).toMatchObject({ uploaded: { rows: 3 }, trouble: null });
  });

  test("a row of the future that would hide every other; gone, the upload is there", async () => {
    at = metadataPlace();
    const key = metadataRowKey(table, "joins/risk.a");
    const future = { key, value: Buffer.from("{}"), timestamp: Date.parse("2099-01-01T00:00:00Z") };
    await at.keyValueStore.write(table, [future]);
    await at.release(first);
    at.start("one");
    await at.pass(10_000);
    expect((await at.head())?.trouble?.sentence).toBe(
      "joins/risk.a of table CHRONON_METADATA has a cell of the future, 2099-01-01T00:00:00.000Z, that hides every other: delete the row",
    );
    await at.keyValueStore.delete(table, [future]);
    await at.pass(61_000);
    expect(await at.served(names)).toEqual(first);
    expect((await at.head())?.trouble).toBeNull();
  });

  test("rows that are not what was written when they are read back", async () => {
    at = metadataPlace();
    await at.release(first);
    let keeps = false;
    const keyValueStore = storeThat({
      async write(into, cells) {
        await at.keyValueStore.write(into, keeps ? cells : cells.slice(1));
      },
    });
    at.start("one", { ...at, keyValueStore });
    await at.pass(10_000);
    expect(await at.head()).toMatchObject({ uploaded: null });
    expect((await at.head())?.trouble?.sentence).toContain("was written to table CHRONON_METADATA");
    keeps = true;
    await at.pass(61_000);
    expect(await at.served(names)).toEqual(first);
  });
});

/** Uploads one release, is killed somewhere in the next, and another takes over. */
async function killedAt(dies: { at: number; having: "done" | "not done" }, then: typeof first) {
  at = metadataPlace({ metadata: { removal: "delete" } });
  await at.release(first);
  const before = at.start("before");
  await at.pass(3_000);
  await before.stop();
  await at.release(second);
  const ports = mortal(at, dies);
  const killed = at.start("killed", ports);
  await at.pass(3_000);
  killed.forget();
  await at.release(then);
  at.start("next");
  await at.pass(120_000);
  expect(await at.served(names)).toEqual(then);
  expect(await at.head()).toMatchObject({ writing: null, trouble: null });
  const { uploaded } = (await at.head()) ?? {};
  expect(uploaded?.rows).toBe(3);
  expect(Object.keys(await at.rows()).toSorted()).toEqual(
    names.map((name) => `joins/${name}`).toSorted(),
  );
  await at.close();
  return ports.calls();
}

describe("killed at any call, having done it or not: the next one makes it whole", () => {
  for (const having of ["done", "not done"] as const) {
    test(`the same release goes on, ${having}`, async () => {
      const calls = await killedAt({ at: Number.POSITIVE_INFINITY, having }, second);
      expect(calls).toBeGreaterThan(8);
      for (let n = 1; n <= calls; n++) await killedAt({ at: n, having }, second);
    });

    test(`rolled back to what the ledger says is there, ${having}`, async () => {
      const calls = await killedAt({ at: Number.POSITIVE_INFINITY, having }, first);
      for (let n = 1; n <= calls; n++) await killedAt({ at: n, having }, first);
    });
  }
});

test("a deletion that arrives when its turn is long over leaves what another has written since", async () => {
  at = metadataPlace({ metadata: { removal: "delete" } });
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`risk.j${n}`, "1"]));
  const { "risk.j0": _gone, ...rest } = many;
  await at.release(many);
  const keyValueStore = storeThat({
    async delete(from, cells) {
      await at.clock.sleep(2 * 60_000);
      await at.keyValueStore.delete(from, cells);
    },
  });
  at.start("one", { ...at, keyValueStore });
  await at.pass(3_000);
  await at.release(rest);
  await at.pass(2_000);
  await at.release(many);
  at.start("two");
  await at.pass(4 * 60_000);
  expect(await at.served(["risk.j0"])).toEqual({ "risk.j0": "1" });
  expect(Object.keys(await at.rows())).toHaveLength(40);
});

test("two at once, stores that fail and releases that follow each other: the last one is served", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          joins: fc.subarray(names, { minLength: 1 }),
          word: fc.constantFrom("1", "2", "3"),
          lastsMs: fc.integer({ min: 0, max: 90_000 }),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
      async (releases, dice) => {
        at = metadataPlace({ tickMs: 500 });
        let fair = false;
        const shaky =
          <T>(effect: () => Promise<T>) =>
          async (): Promise<T> => {
            const thrown = fair ? 5 : (dice.next().value ?? 5);
            // As late as a request may be: the client gives up after five seconds.
            await at.clock.sleep(thrown > 7 ? 4_900 : thrown * 200);
            if (thrown === 0) throw new RetryableError("it does not answer");
            const answer = await effect();
            if (thrown === 1) throw new RetryableError("the answer was lost");
            return answer;
          };
        const keyValueStore = storeThat({
          write: (into, cells) => shaky(() => at.keyValueStore.write(into, cells))(),
          read: (from, keys) => shaky(() => at.keyValueStore.read(from, keys))(),
        });
        for (const by of ["one", "two"]) at.start(by, { ...at, keyValueStore });
        let last = {};
        for (const { joins, word, lastsMs } of releases) {
          last = Object.fromEntries(joins.map((name) => [name, word]));
          await at.release(last);
          await at.pass(lastsMs);
        }
        fair = true;
        await at.pass(10 * 60_000);
        expect(await at.served(Object.keys(last))).toEqual(last);
        expect(await at.head()).toMatchObject({ writing: null, trouble: null });
        await at.close();
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
