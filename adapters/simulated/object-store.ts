import { filter, Observable, type Subscriber } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type {
  ObjectInfo,
  ObjectNotification,
  ObjectStore,
  StoredObject,
} from "../../ports/object-store.ts";
import { partsOfName } from "../object-name.ts";

/** Objects in memory, and a hand that removes them, which the port has not. */
export interface SimulatedObjectStore {
  open(): ObjectStore;
  /** Removes every object whose name starts with `prefix`; nobody is notified. */
  remove(prefix: string): void;
}

interface Shared {
  readonly clock: Clock;
  readonly objects: Map<string, StoredObject>;
  /** Names in order. */
  readonly names: string[];
  readonly listeners: Set<Subscriber<ObjectNotification>>;
  generation: number;
}

export function simulatedObjectStore({ clock }: { readonly clock: Clock }): SimulatedObjectStore {
  const shared: Shared = {
    clock,
    objects: new Map(),
    names: [],
    listeners: new Set(),
    generation: 0,
  };
  return {
    open: () => opening(shared),
    remove(prefix) {
      const from = firstAfter(shared.names, prefix, true);
      let to = from;
      for (; shared.names[to]?.startsWith(prefix) === true; to++) {
        shared.objects.delete(shared.names[to] ?? "");
      }
      shared.names.splice(from, to - from);
    },
  };
}

function opening(shared: Shared): ObjectStore {
  const { objects, listeners } = shared;
  return {
    async read(name) {
      partsOfName(name);
      const found = objects.get(name);
      return found === undefined ? null : { ...found, bytes: found.bytes.slice() };
    },
    async info(name) {
      partsOfName(name);
      const found = objects.get(name);
      return found === undefined ? null : infoOf(found);
    },
    async list(prefix, { after = "", limit = Number.POSITIVE_INFINITY } = {}) {
      const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf("/")));
      if (folder !== "") partsOfName(folder);
      return listed(shared, { prefix, after, limit });
    },
    async write(name, bytes, { ifAbsent = false } = {}) {
      partsOfName(name);
      if (ifAbsent && objects.has(name)) return "exists";
      write(shared, name, bytes);
      return "written";
    },
    notifications: (prefixes = []) =>
      new Observable<ObjectNotification>((out) => {
        listeners.add(out);
        return () => listeners.delete(out);
      }).pipe(
        filter(
          ({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)),
        ),
      ),
    async close() {},
  };
}

function listed(
  { names, objects }: Shared,
  { prefix, after, limit }: { prefix: string; after: string; limit: number },
): ObjectInfo[] {
  const found: ObjectInfo[] = [];
  const from = prefix > after ? firstAfter(names, prefix, true) : firstAfter(names, after, false);
  for (let at = from; found.length < limit; at++) {
    const object = objects.get(names[at] ?? "");
    if (object?.name.startsWith(prefix) !== true) break;
    found.push(infoOf(object));
  }
  return found;
}

function infoOf({ name, size, generation, updatedAt }: StoredObject): ObjectInfo {
  return { name, size, generation, updatedAt };
}

function write(shared: Shared, name: string, bytes: Uint8Array): void {
  const { objects, names, clock, listeners } = shared;
  const object: StoredObject = {
    name,
    bytes: bytes.slice(),
    size: bytes.length,
    generation: ++shared.generation,
    updatedAt: clock.now(),
  };
  if (!objects.has(name)) names.splice(firstAfter(names, name, true), 0, name);
  objects.set(name, object);
  queueMicrotask(() => {
    for (const listener of listeners) listener.next(infoOf(object));
  });
}

/** Where the first name after `key` is, or the first that is `key` or after it. */
function firstAfter(names: readonly string[], key: string, orEqual: boolean): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const name = names[middle] ?? "";
    if (name < key || (!orEqual && name === key)) low = middle + 1;
    else high = middle;
  }
  return low;
}
