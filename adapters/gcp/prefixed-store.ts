import { filter, map } from "rxjs";
import type { ObjectInfo, ObjectStore } from "../../ports/object-store.ts";

/**
 * What lies below a prefix of a store, as a store of its own: names are without it. Closing it closes
 * the store.
 */
export function prefixedObjectStore(store: ObjectStore, prefix: string): ObjectStore {
  if (prefix === "") return store;
  const root = `${prefix}/`;
  const bare = <Info extends ObjectInfo>(info: Info): Info => ({
    ...info,
    name: info.name.slice(root.length),
  });
  return {
    async read(name) {
      const found = await store.read(root + name);
      return found === null ? null : bare(found);
    },
    async info(name) {
      const found = await store.info(root + name);
      return found === null ? null : bare(found);
    },
    async list(under, { after, ...options } = {}) {
      const whole = after === undefined || after === "" ? {} : { after: root + after };
      return (await store.list(root + under, { ...options, ...whole })).map(bare);
    },
    write: (name, bytes, options) => store.write(root + name, bytes, options),
    notifications: (prefixes = []) =>
      store
        .notifications(prefixes.length === 0 ? [root] : prefixes.map((each) => root + each))
        .pipe(
          filter(({ name }) => name.startsWith(root)),
          map(bare),
        ),
    close: () => store.close(),
  };
}
