import { sha256Hex } from "../../core/hash.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Happening } from "./trace.ts";

/** The table of metadata that workloads have. */
const table = "CHRONON_METADATA";

/** What a row of metadata holds, in a few characters. */
export function contentOf(text: string): string {
  return sha256Hex(text).slice(0, 12);
}

/** Tells what is written to the table of metadata and deleted from it. `by`: null for somebody else. */
export function metadataRecord(
  record: (happening: Happening) => void,
  store: KeyValueStore,
  by: string | null,
): KeyValueStore {
  const recorded: KeyValueStore = {
    ...store,
    at: () => recorded,
    async write(name, cells) {
      await store.write(name, cells);
      if (name !== table) return;
      const rows = cells.map(({ key, value, timestamp }) => {
        const content = contentOf(Buffer.from(value).toString());
        return { key: keyOf(key), content, timestamp };
      });
      record({ kind: "metadata-rows", rows, by });
    },
    async delete(name, keys) {
      await store.delete(name, keys);
      if (name !== table || keys.length === 0) return;
      const rows = keys.map((key) => ({ key: keyOf(key), content: null, timestamp: 0 }));
      record({ kind: "metadata-rows", rows, by });
    },
  };
  return recorded;
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key).toString().slice(`${table}#`.length);
}
