import { expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { prefixedObjectStore } from "../../adapters/gcp/prefixed-store.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import type { ObjectInfo, ObjectStore } from "../../ports/object-store.ts";
import { describeObjectStore } from "./object-store.contract.ts";

const prefix = "acme/landfall";
/** What others keep in the same bucket, before, beside and after what lies below the prefix. */
const neighbours = ["acme/a", "acme/landfal", "acme/landfall-2/a", "acme/landfall.d/a", "zebra"];
const bytes = (text: string) => new TextEncoder().encode(text);

/** A store with neighbours' objects, of which one folder is opened. */
async function bucket(): Promise<{
  readonly whole: ObjectStore;
  readonly open: () => ObjectStore;
}> {
  const place = simulatedObjectStore({ clock: systemClock() });
  const whole = place.open();
  for (const name of neighbours) await whole.write(name, bytes(name));
  return { whole, open: () => prefixedObjectStore(place.open(), prefix) };
}

describeObjectStore("a folder of a store", async () => {
  const { open } = await bucket();
  return { store: open(), again: async () => open(), close: async () => {} };
});

const names = (objects: readonly ObjectInfo[]) => objects.map(({ name }) => name);

test("what is written lies below the prefix, and neighbours are neither seen nor touched", async () => {
  const { whole, open } = await bucket();
  const store = open();
  for (const name of ["a", "b/c"]) await store.write(name, bytes("ours"));
  await whole.write(`${prefix}/b/d`, bytes("theirs"));
  expect(names(await store.list(""))).toEqual(["a", "b/c", "b/d"]);
  expect(names(await store.list("", { after: "a", limit: 1 }))).toEqual(["b/c"]);
  expect(names(await store.list("", { after: "" }))).toHaveLength(3);
  expect(await store.read("b/d")).toMatchObject({ name: "b/d", bytes: bytes("theirs") });
  expect(await store.read("acme/a")).toBeNull();
  const ours = ["a", "b/c", "b/d"].map((name) => `${prefix}/${name}`);
  expect(names(await whole.list(""))).toEqual([...neighbours, ...ours].sort());
  for (const name of neighbours) {
    expect((await whole.read(name))?.bytes, name).toEqual(bytes(name));
  }
});

test("news of neighbours is not told, not even of names that begin alike", async () => {
  const { whole, open } = await bucket();
  const store = open();
  const heard: string[] = [];
  const some: string[] = [];
  const listening = [
    store.notifications().subscribe(({ name }) => heard.push(name)),
    store.notifications(["b/"]).subscribe(({ name }) => some.push(name)),
  ];
  for (const name of [...neighbours, `${prefix}/a`, "b/x"]) await whole.write(name, bytes("new"));
  await store.write("b/c", bytes("new"));
  await Promise.resolve();
  expect(heard).toEqual(["a", "b/c"]);
  expect(some).toEqual(["b/c"]);
  for (const one of listening) one.unsubscribe();
});

test("closing closes the store; without a prefix it is the store itself", async () => {
  const whole = simulatedObjectStore({ clock: systemClock() }).open();
  expect(prefixedObjectStore(whole, "")).toBe(whole);
  let closed = 0;
  const store = prefixedObjectStore({ ...whole, close: async () => void (closed += 1) }, prefix);
  await store.close();
  expect(closed).toBe(1);
});
