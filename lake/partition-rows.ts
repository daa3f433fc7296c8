import { dayColumn, dayOfValue, valueOf } from "../core/delta-partitions.ts";
import type { DeltaState, LiveFile } from "../core/delta-state.ts";
import type { LakeTable } from "../core/lake-layout.ts";
import { PermanentError, RetryableError } from "../ports/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { Partition } from "../schemas/ids.ts";
import { deltaPath } from "./delta-reader.ts";
import { type DeltaTable, withDeltaTable } from "./delta-table.ts";
import { readColumns } from "./parquet-columns.ts";

/** Rows of a partition, as far as they were asked for. */
export interface PartitionRows {
  /** Columns of its files, each once: newer files may have more of them than older ones. */
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** What one partition's files may have together: they are read whole. */
const bytesMax = 256_000_000;

/**
 * The rows of a day as the newest commit has them. Of each file the columns that `wanted` picks
 * are read. Throws `RetryableError` while the log cannot be read, `PermanentError` with a sentence
 * when the rows cannot.
 */
export async function partitionRows(
  store: ObjectStore,
  of: { readonly table: LakeTable; readonly partition: Partition },
  wanted: (columns: readonly string[]) => readonly string[],
): Promise<PartitionRows> {
  const { table, partition } = of;
  const path = await deltaPath(store, table);
  if (path === null) throw new PermanentError(`there is no table ${table.name}`);
  const files = await withDeltaTable(store, path, (delta) => filesOf(delta, of));
  if (files.length === 0) throw new PermanentError(`${table.name} has no files at ${partition}`);
  const columns = new Set<string>();
  const rows: PartitionRows["rows"][number][] = [];
  for (const { path: name } of files) {
    const read = await rowsIn(store, `${path}/${decodeURIComponent(name)}`, wanted);
    for (const column of read.columns) columns.add(column);
    for (const row of read.rows) rows.push(row);
  }
  return { columns: [...columns], rows };
}

function filesOf(
  { state, problem }: DeltaTable,
  { table, partition }: { readonly table: LakeTable; readonly partition: Partition },
): LiveFile[] {
  if (problem !== null) {
    throw new RetryableError(`commit ${problem.version} of ${table.name} ${problem.message}`);
  }
  const live = liveAt(state, table, partition);
  if (live.some(([key, { path }]) => key !== path)) {
    throw new PermanentError(`${table.name} has deletion vectors, which Landfall does not read`);
  }
  const files = live.map(([, file]) => file);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= bytesMax) return files;
  throw new PermanentError(`${table.name} has ${bytes} bytes at ${partition}, too many to read`);
}

function liveAt(
  { metaData, partitions }: DeltaState,
  { columns, format }: LakeTable,
  partition: Partition,
): [key: string, file: LiveFile][] {
  const day = dayColumn(metaData?.partitionColumns ?? [], columns);
  if (day === null) return [];
  return [...partitions.values()]
    .filter(({ values }) => dayOfValue(valueOf(values, day), format) === partition)
    .flatMap(({ live }) => [...live]);
}

async function rowsIn(
  store: ObjectStore,
  name: string,
  wanted: (columns: readonly string[]) => readonly string[],
): Promise<PartitionRows> {
  const object = await store.read(name);
  if (object === null)
    throw new PermanentError(`${name} is in the table's log and not in the lake`);
  try {
    return await readColumns(object.bytes, wanted);
  } catch (cause) {
    throw new PermanentError(`${name} is not readable as Parquet: ${(cause as Error).message}`);
  }
}
