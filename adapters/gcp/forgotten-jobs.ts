import { createHash } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** Which ended jobs were reported, and need not be told again. */
export interface ForgottenJobs {
  /** Ids forgotten, of jobs submitted on these days. */
  read(days: readonly string[]): Promise<ReadonlySet<string>>;
  /** Durable when resolved. */
  add(jobs: readonly { readonly jobId: string; readonly day: string }[]): Promise<void>;
}

/** Remembered by this process only: after a restart every end of the last days is told again. */
export const notRemembered: ForgottenJobs = {
  read: async () => new Set(),
  add: async () => {},
};

const lingerMs = 200;

/**
 * Remembered in objects `forgotten/{day of submission}/{hash}.json`, each a list of ids that were
 * forgotten within 200 ms of each other, written once and never changed. So forgetting costs no
 * call to Dataproc, and an object for many jobs when many end. Old days may be deleted at will.
 */
export function forgottenObjects(store: ObjectStore, clock: Clock): ForgottenJobs {
  let waiting = new Map<string, string[]>();
  let flush: Promise<void> | null = null;
  /** Objects never change: each is read once, whichever fleets ask and however often. */
  const known = new Map<string, Promise<readonly string[]>>();
  const idsOf = (name: string): Promise<readonly string[]> => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const ids = readIds(store, name);
    known.set(name, ids);
    ids.catch(() => known.delete(name));
    return ids;
  };
  const write = async () => {
    await clock.sleep(lingerMs);
    const batch = waiting;
    waiting = new Map();
    flush = null;
    await Promise.all([...batch].map(([day, ids]) => put(store, day, ids)));
  };
  return {
    async read(days) {
      const objects = await Promise.all(days.map((day) => store.list(`forgotten/${day}/`)));
      const found = await Promise.all(objects.flat().map(({ name }) => idsOf(name)));
      return new Set(found.flat());
    },
    add(jobs) {
      for (const { jobId, day } of jobs) {
        waiting.set(day, [...(waiting.get(day) ?? []), jobId]);
      }
      flush ??= write();
      return flush;
    },
  };
}

async function readIds(store: ObjectStore, name: string): Promise<readonly string[]> {
  const object = await store.read(name);
  return object === null ? [] : (JSON.parse(Buffer.from(object.bytes).toString()) as string[]);
}

async function put(store: ObjectStore, day: string, ids: readonly string[]): Promise<void> {
  const text = JSON.stringify([...new Set(ids)].sort());
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 32);
  await store.write(`forgotten/${day}/${hash}.json`, Buffer.from(text));
}
