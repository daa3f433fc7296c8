import { belongs, dayOfValue } from "../../core/delta-partitions.ts";
import type { DeltaState } from "../../core/delta-state.ts";
import { fixedOf, lakeTable } from "../../core/lake-layout.ts";
import { own } from "../../core/own.ts";
import { baseTable } from "../../core/plan-index.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";

/** A table as a job finds it, whatever its partition column is called. */
export interface FoundTable {
  /** Where it lies, or would be written. */
  readonly path: string;
  /** Days that have rows. */
  readonly days: ReadonlySet<Partition>;
  /** Names of its data files when it has no partitions; null when it has, or is not there. */
  readonly files: readonly string[] | null;
  /** It is not in the lake, and somebody tells of its days: it may lie in BigQuery. */
  readonly elsewhere?: true;
}

/** Tables of a lake, found and placed by name. */
export interface RehearsalLake {
  readonly store: ObjectStore;
  /**
   * Finds a table in its Delta log, or, where it has none, by the folders of its partitions. What
   * is found was so after the call. Throws `PermanentError` for a name that lies nowhere.
   */
  find(name: TableName): Promise<FoundTable>;
  /** Where a table lies, or would be written; it is looked for once. */
  pathOf(name: TableName): Promise<string>;
}

/** Tables whose place is remembered. */
const pathsMax = 100_000;

export function rehearsalLake(store: ObjectStore, tables: Settings["tables"]): RehearsalLake {
  const paths = new Map<TableName, string>();
  const find = shared((name: TableName) => findTable(store, name, tables));
  return {
    store,
    find,
    async pathOf(name) {
      const path = paths.get(name) ?? (await find(name)).path;
      if (paths.size < pathsMax) paths.set(name, path);
      return path;
    },
  };
}

/**
 * Many who ask for the same at once share an answer that was worked out after each of them asked:
 * one that is under way is not joined, the one after it is.
 */
function shared<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const current = new Map<string, Promise<unknown>>();
  const following = new Map<string, Promise<T>>();
  const begin = (key: string): Promise<T> => {
    const answer = work(key);
    const settled = answer
      .catch(() => {})
      .finally(() => {
        if (current.get(key) === settled) current.delete(key);
      });
    current.set(key, settled);
    return answer;
  };
  return (key) => {
    const under = current.get(key);
    if (under === undefined) return begin(key);
    const joined = following.get(key);
    if (joined !== undefined) return joined;
    const next = under.then(() => {
      following.delete(key);
      return begin(key);
    });
    following.set(key, next);
    return next;
  };
}

async function findTable(
  store: ObjectStore,
  name: TableName,
  tables: Settings["tables"],
): Promise<FoundTable> {
  const paths = lakeTable(baseTable(name), [], tables)?.paths ?? [];
  for (const path of paths) {
    const found = await withDeltaTable(store, path, ({ state }) => foundIn(state, path, name));
    if (found !== null) return found;
  }
  const [path] = paths;
  if (path === undefined) throw new PermanentError(`cannot tell where ${name} lies in the lake`);
  for (const other of paths) {
    const days = await daysOfFolders(store, other);
    if (days.size > 0) return { path: other, days, files: null };
  }
  const told = own(tables, name)?.closing?.when === "manual";
  return { path, days: new Set(), files: null, ...(told ? { elsewhere: true } : {}) };
}

function foundIn(state: DeltaState, path: string, name: TableName): FoundTable | null {
  if (state.version < 0) return null;
  const columns = state.metaData?.partitionColumns ?? [];
  const wanted = { name, fixed: fixedOf(name) };
  const live = [...state.partitions.values()].filter((partition) => partition.live.size > 0);
  if (columns.length === 0) {
    const files = live.flatMap((partition) =>
      [...partition.live.values()].map((file) => file.path),
    );
    return { path, days: new Set(), files };
  }
  const days = live
    .filter(({ values }) => belongs(values, wanted, columns))
    .flatMap(({ values }) => Object.values(values).map((value) => dayOfValue(value, "yyyyMMdd")))
    .filter((day) => day !== null);
  return { path, days: new Set(days), files: null };
}

const foldersMax = 10_000;
const dayFolder = /=(\d{4}-?\d\d-?\d\d)\//;

async function daysOfFolders(lake: ObjectStore, path: string): Promise<Set<Partition>> {
  const objects = await lake.list(`${path}/`, { limit: foldersMax });
  const days = objects.map(({ name }) => dayOfValue(dayFolder.exec(name)?.[1], "yyyyMMdd"));
  return new Set(days.filter((day) => day !== null));
}
