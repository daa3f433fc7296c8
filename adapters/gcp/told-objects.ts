import type { ObjectInfo } from "../../ports/object-store.ts";

/** What was told of objects last, as many as fit. It may be stale: a generation says what it is of. */
export interface ToldObjects {
  remember(info: ObjectInfo): void;
  of(name: string): ObjectInfo | undefined;
}

/** An object is mostly read right after it was told of. */
export function toldObjects(keptMax = 5_000): ToldObjects {
  const told = new Map<string, ObjectInfo>();
  return {
    remember(info) {
      told.delete(info.name);
      told.set(info.name, info);
      for (const oldest of told.keys()) {
        if (told.size <= keptMax) return;
        told.delete(oldest);
      }
    },
    of: (name) => told.get(name),
  };
}
