import fc from "fast-check";
import { filter, firstValueFrom, type Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PermanentError } from "../../ports/errors.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";

/** An empty store, opened for one test. */
export interface OpenedObjectStore {
  readonly store: ObjectStore;
  /** Opens the same objects again, as another process would. */
  again(): Promise<ObjectStore>;
  close(): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (object: { bytes: Uint8Array } | null) =>
  object === null ? null : new TextDecoder().decode(object.bytes);

/** Everything notified until each of some names was, by name: notifications may be doubled. */
async function notified(
  notifications: Observable<ObjectNotification>,
  names: readonly string[],
): Promise<Map<string, ObjectNotification>> {
  const seen = new Map<string, ObjectNotification>();
  const hasAll = (object: ObjectNotification) => {
    seen.set(object.name, object);
    return names.every((name) => seen.has(name));
  };
  await firstValueFrom(notifications.pipe(filter(hasAll)));
  return seen;
}

/** What `ports/object-store.ts` promises, whatever the adapter. */
export function describeObjectStore(name: string, open: () => Promise<OpenedObjectStore>): void {
  describe(`object store: ${name}`, () => {
    let opened: OpenedObjectStore;
    let store: ObjectStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.close());

    const names = async (prefix: string, options = {}) =>
      (await store.list(prefix, options)).map((object) => object.name);

    test("reads what was written, also from another opening", async () => {
      expect(await store.write("db/table/a.json", bytes("one"))).toBe("written");
      const other = await opened.again();
      const read = await other.read("db/table/a.json");
      expect(text(read)).toBe("one");
      expect(read).toMatchObject({ name: "db/table/a.json", size: 3 });
      expect(read).toMatchObject((await store.list("db/table/a.json"))[0] ?? {});
      await other.close();
    });

    test("info is what a listing says, of what is there now", async () => {
      const other = await opened.again();
      for (const value of ["one", "three"]) {
        await store.write("db/table/a.json", bytes(value));
        const [listed] = await store.list("db/table/a.json");
        expect(await other.info("db/table/a.json")).toEqual(listed);
        expect(listed?.size).toBe(value.length);
      }
      expect(await store.info("nothing")).toBeNull();
      expect(await store.info("db/table")).toBeNull();
      expect(await store.info("db/table/a.json/b")).toBeNull();
      await other.close();
    });

    test("an empty object is an object", async () => {
      await store.write("db/_SUCCESS", bytes(""));
      expect(await store.read("db/_SUCCESS")).toMatchObject({ size: 0 });
    });

    test("what is not there reads as null: a name, a folder, a name below an object", async () => {
      await store.write("a/b", bytes("x"));
      expect(await store.read("nothing")).toBeNull();
      expect(await store.read("a")).toBeNull();
      expect(await store.read("a/b/c")).toBeNull();
      expect(await store.list("nothing/")).toEqual([]);
    });

    test("writing again replaces the bytes and grows the generation", async () => {
      const generations: number[] = [];
      for (const value of ["1", "22", "333", "4444"]) {
        await store.write("name", bytes(value));
        const read = await store.read("name");
        expect(text(read)).toBe(value);
        generations.push(read?.generation ?? Number.NaN);
      }
      expect(generations).toEqual([...new Set(generations)].sort((a, b) => a - b));
    });

    test("ifAbsent writes only when there is nothing", async () => {
      expect(await store.write("n", bytes("first"), { ifAbsent: true })).toBe("written");
      expect(await store.write("n", bytes("second"), { ifAbsent: true })).toBe("exists");
      expect(text(await store.read("n"))).toBe("first");
    });

    test("of racing ifAbsent writers exactly one hears written, and its bytes are there", async () => {
      const others = await Promise.all([opened.again(), opened.again(), opened.again()]);
      for (let round = 0; round < 20; round += 1) {
        const name = `race/${round}`;
        const answers = await Promise.all(
          [store, ...others, ...others].map((writer, at) =>
            writer.write(name, bytes(`writer ${at}`), { ifAbsent: true }),
          ),
        );
        expect(answers.filter((answer) => answer === "written")).toHaveLength(1);
        expect(text(await store.read(name))).toBe(`writer ${answers.indexOf("written")}`);
      }
      for (const other of others) await other.close();
    });

    test("a reader never sees half an object", async () => {
      const other = await opened.again();
      const big = (fill: number) => new Uint8Array(300_000).fill(fill);
      await store.write("big", big(0));
      let writing = true;
      const writes = (async () => {
        for (let fill = 1; fill <= 20; fill += 1) await store.write("big", big(fill));
        writing = false;
      })();
      let reads = 0;
      while (writing) {
        const read = await other.read("big");
        expect(read?.bytes.length).toBe(300_000);
        expect(new Set(read?.bytes).size).toBe(1);
        reads += 1;
      }
      await writes;
      expect(reads).toBeGreaterThan(0);
      await other.close();
    });

    test("lists in order of name, after a name, up to a limit, by prefix", async () => {
      const all = ["a", "a.b", "a/x", "a/y/z", "a0", "b/1", "b/10", "b/2"];
      for (const name of [...all].reverse()) {
        if (name !== "a") await store.write(name, bytes(name));
      }
      const written = all.filter((name) => name !== "a");
      expect(await names("")).toEqual(written);
      expect(await names("a/")).toEqual(["a/x", "a/y/z"]);
      expect(await names("a")).toEqual(["a.b", "a/x", "a/y/z", "a0"]);
      expect(await names("b/1")).toEqual(["b/1", "b/10"]);
      expect(await names("", { after: "a/x" })).toEqual(["a/y/z", "a0", "b/1", "b/10", "b/2"]);
      expect(await names("b/", { after: "b/1", limit: 1 })).toEqual(["b/10"]);
      expect(await names("", { limit: 0 })).toEqual([]);
    });

    test("lists any set of names as sorting and filtering them would", async () => {
      const part = fc.constantFrom("a", "b", "a.b", "a-b", "ds=2025-09-30", "é", "_SUCCESS", "0");
      const objectName = fc.array(part, { minLength: 1, maxLength: 4 }).map((all) => all.join("/"));
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            wanted: fc.uniqueArray(objectName, { maxLength: 12 }),
            prefix: objectName,
            after: fc.option(objectName, { nil: undefined }),
            limit: fc.integer({ min: 0, max: 6 }),
          }),
          async ({ wanted, prefix, after, limit }) => {
            round += 1;
            const base = `round${round}/`;
            const present = wanted.filter(
              (name) => !wanted.some((other) => other.startsWith(`${name}/`)),
            );
            for (const name of present) await store.write(base + name, bytes(name));
            const expected = present
              .map((name) => base + name)
              .filter((name) => name.startsWith(base + prefix))
              .filter((name) => after === undefined || name > base + after)
              .sort()
              .slice(0, limit);
            const options = { limit, ...(after === undefined ? {} : { after: base + after }) };
            expect(await names(base + prefix, options)).toEqual(expected);
          },
        ),
        { numRuns: 60 },
      );
    });

    test("refuses names that are no names, without touching anything", async () => {
      const hostile = ["", "/etc/passwd", "../out", "a/../../out", "a//b", "a/./b", "a/", "a\0b"];
      for (const name of hostile) {
        await expect(store.read(name), JSON.stringify(name)).rejects.toThrow(PermanentError);
        await expect(store.info(name), JSON.stringify(name)).rejects.toThrow(PermanentError);
        await expect(store.write(name, bytes("x"))).rejects.toThrow(PermanentError);
        await expect(store.write(name, bytes("x"), { ifAbsent: true })).rejects.toThrow(
          PermanentError,
        );
      }
      await expect(store.list("../")).rejects.toThrow(PermanentError);
      expect(await names("")).toEqual([]);
    });

    test("strange names are names", async () => {
      const strange = [
        "$(rm -rf ~)/`x`",
        "__proto__",
        "constructor",
        "a b/%2e%2e/ü",
        "..x/.y",
        "a\nb",
      ];
      for (const name of strange) await store.write(name, bytes(name));
      for (const name of strange) expect(text(await store.read(name))).toBe(name);
      expect(await names("")).toEqual([...strange].sort());
    });

    test("notifies objects that are finished from now on, with what a listing says", async () => {
      await store.write("db/t/before", bytes("x"));
      const seen = notified(store.notifications(), ["db/t/after", "db/new/folder/after"]);
      const other = await opened.again();
      await other.write("db/t/after", bytes("xyz"));
      await other.write("db/new/folder/after", bytes("xy"), { ifAbsent: true });
      for (const notification of (await seen).values()) {
        expect((await store.list(notification.name))[0]).toEqual(notification);
      }
      await other.close();
    });

    test("notifies only names with one of the prefixes", async () => {
      const seen = notified(store.notifications(["a/", "b/x"]), ["a/1", "b/x1"]);
      for (const name of ["c/1", "b/y", "a/1", "b/x1"]) await store.write(name, bytes(name));
      expect([...(await seen).keys()].sort()).toEqual(["a/1", "b/x1"]);
    });

    test("one writer's thousand objects in new folders are all notified", async () => {
      const other = await opened.again();
      const expected = new Set(
        Array.from({ length: 1_000 }, (_, at) => `db/t${at % 50}/_delta_log/${at}.json`),
      );
      const missing = new Set(expected);
      const all = firstValueFrom(
        store.notifications().pipe(
          filter(({ name }) => {
            missing.delete(name);
            return missing.size === 0;
          }),
        ),
      );
      for (const name of expected) await other.write(name, bytes("x"), { ifAbsent: true });
      await all;
      expect(missing.size).toBe(0);
      await other.close();
    });

    test("close may be called twice, and ends nobody else's store", async () => {
      const other = await opened.again();
      await other.close();
      await other.close();
      await store.write("still", bytes("here"));
      expect(text(await store.read("still"))).toBe("here");
    });
  });
}
