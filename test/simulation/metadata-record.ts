import { sha256Hex, stableJson } from "../../core/hash.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Faults } from "./faults.ts";
import type { Happening } from "./trace.ts";

/** The table of metadata that workloads have. */
const table = "CHRONON_METADATA";

/** What a row of metadata holds, in a few characters. */
export function contentOf(text: string): string {
  return sha256Hex(text).slice(0, 12);
}

/** The same of the row that Chronon's job makes of a conf: its keys in order. */
export function contentAsWritten(conf: string): string {
  return contentOf(stableJson(JSON.parse(conf)));
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
    async delete(name, cells) {
      const keys = cells.map(({ key }) => key);
      const before = await store.read(name, keys);
      await store.delete(name, cells);
      const left = new Set((await store.read(name, keys)).map(({ key }) => keyOf(key)));
      const gone = before.map(({ key }) => keyOf(key)).filter((key) => !left.has(key));
      if (name !== table || gone.length === 0) return;
      const rows = gone.map((key) => ({ key, content: null, timestamp: 0 }));
      record({ kind: "metadata-rows", rows, by });
    },
  };
  return recorded;
}

/** The online store as a job that uploads metadata has it: some exit 0 having written nothing. */
export function uploadRecord(
  { record, faults }: { record: (happening: Happening) => void; faults: Faults },
  store: KeyValueStore,
  { jobId, config, run, attempt }: JobSpec,
): KeyValueStore {
  const recorded: KeyValueStore = {
    ...store,
    at: () => recorded,
    async write(name, cells) {
      const where = `the metadata of ${config}, run ${run} attempt ${attempt},`;
      if (faults.strikes("row-left-out", where)) return;
      await store.write(name, cells);
      for (const { key, value, timestamp } of cells) {
        const content = contentOf(Buffer.from(value).toString());
        record({ kind: "metadata-uploaded", key: keyOf(key), content, timestamp, jobId });
      }
    },
  };
  return recorded;
}

function keyOf(key: Uint8Array): string {
  return Buffer.from(key).toString().slice(`${table}#`.length);
}
