import { randomUUID } from "node:crypto";
import { findColumn, valueOfDay } from "../core/delta-partitions.ts";
import { type DeltaState, partitionKey, txnKey } from "../core/delta-state.ts";
import { PermanentError, RetryableError } from "../ports/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { EpochMs, Partition } from "../schemas/ids.ts";
import type { PlanTable } from "../schemas/plan.ts";
import { commitObject } from "./delta-log.ts";
import { type DeltaTable, withDeltaTable } from "./delta-table.ts";

/** The table a commit goes to. It is made by its first commit. */
export interface DeltaTarget {
  /** Prefix in the store, without a slash at the end: `db/table`. */
  readonly path: string;
  /** Column of the day; null: the table has no partitions. */
  readonly partitionColumn: string | null;
  readonly partitionFormat?: PlanTable["partitionFormat"];
  /** Values of further partition columns: `{ hr: "00:00" }`. */
  readonly fixed?: Readonly<Record<string, string>>;
  /** Its other columns, for whoever makes it; a column `row` of numbers when left out. */
  readonly fields?: readonly DeltaField[];
}

/** A column of a table, and its type as Delta names it: `long`, `string`. */
export interface DeltaField {
  readonly name: string;
  readonly type: string;
}

export interface DeltaWrite {
  /** One data file each. Without a partition column, `partition` is only part of its name. */
  readonly partitions: readonly {
    readonly partition: Partition;
    readonly rows: number;
    readonly bytes?: number;
  }[];
  /** `overwrite-partitions` takes away the files the same partitions had. */
  readonly mode: "append" | "overwrite-partitions";
  /** As in `commitInfo`: `WRITE`, `DELETE`. */
  readonly operation: string;
  readonly engineInfo: string;
  /** Makes the commit idempotent (Delta: Transaction Identifiers). */
  readonly txn?: { readonly appId: string; readonly version: number };
  /** More fields of `commitInfo`. */
  readonly commitInfo?: Readonly<Record<string, unknown>>;
  /** Writes the data file of one partition, so that other readers of Delta find it. */
  readonly dataFile?: (rows: number, partition: Partition) => Uint8Array;
  /** Names data files and a table that is made; a random UUID when left out. */
  readonly newId?: () => string;
  readonly at: EpochMs;
}

/** The commit's number; `alreadyDone` when an earlier call with the same `txn` made it. */
export interface DeltaCommitted {
  readonly version: number;
  readonly alreadyDone: boolean;
}

/**
 * Appends one commit to the log of a Delta table, as the next version; of racing writers each gets
 * its own. Throws `RetryableError` when the newest commit cannot be read yet, `PermanentError` when
 * the table is not one this writer can write: other partition columns, writer features.
 *
 * Without `dataFile` only the log is written: hardly anything in Landfall opens data files.
 */
export async function commitDelta(
  store: ObjectStore,
  target: DeltaTarget,
  write: DeltaWrite,
): Promise<DeltaCommitted> {
  const { txn } = write;
  let done: number | undefined;
  const version = await commitDecided(store, target, async ({ txns }) => {
    done = txn === undefined ? undefined : txns.get(txnKey(txn.appId, txn.version));
    return done === undefined ? write : null;
  });
  return done === undefined && version !== null
    ? { version, alreadyDone: false }
    : { version: done ?? -1, alreadyDone: true };
}

/**
 * As `commitDelta`, but for what is to be written, which is decided on the state of the table that
 * the commit follows: again when another writer came first. Null: there is nothing to write.
 */
export async function commitDecided(
  store: ObjectStore,
  target: DeltaTarget,
  decide: (state: DeltaState) => Promise<DeltaWrite | null>,
): Promise<number | null> {
  for (;;) {
    const answer = await withDeltaTable(store, target.path, async (table) => {
      refuseUnreadable(target, table);
      const write = await decide(table.state);
      return write === null ? "nothing" : appended(store, target, { table, write });
    });
    if (answer === "nothing") return null;
    if (answer !== "taken") return answer;
  }
}

/** The number of the commit; `taken`: another writer has made that one. */
async function appended(
  store: ObjectStore,
  target: DeltaTarget,
  { table, write }: { readonly table: DeltaTable; readonly write: DeltaWrite },
): Promise<number | "taken"> {
  const adds = await addsOf(store, target, { table, write });
  const actions = actionsOf(table, target, { write, adds });
  const version = table.state.version + 1;
  const body = Buffer.from(`${actions.map((action) => JSON.stringify(action)).join("\n")}\n`);
  const written = await store.write(commitObject(target.path, version), body, { ifAbsent: true });
  return written === "written" ? version : "taken";
}

function refuseUnreadable({ path }: DeltaTarget, { state, problem }: DeltaTable): void {
  if (problem !== null) {
    const line = `commit ${problem.version} of ${path} ${problem.message}; nothing can be written after it`;
    throw problem.kind === "unreadable" ? new RetryableError(line) : new PermanentError(line);
  }
  if (state.minWriterVersion > 2) {
    throw new PermanentError(
      `${path} asks its writers for Delta writer version ${state.minWriterVersion}; this one has 2`,
    );
  }
}

interface Add {
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: true;
  readonly stats: string;
}

function actionsOf(
  table: DeltaTable,
  target: DeltaTarget,
  { write, adds }: { readonly write: DeltaWrite; readonly adds: readonly Add[] },
): object[] {
  const { txn, at, operation, engineInfo, commitInfo, mode } = write;
  const info = { timestamp: at, operation, engineInfo, isBlindAppend: mode === "append" };
  const taken = mode === "append" ? [] : adds.flatMap((add) => removes(table, add));
  return [
    { commitInfo: { ...info, ...commitInfo } },
    ...(table.state.version < 0 ? firstActions(target, write) : []),
    ...(txn === undefined ? [] : [{ txn: { ...txn, lastUpdated: at } }]),
    ...taken.map((remove) => ({ remove })),
    ...adds.map((add) => ({ add })),
  ];
}

/** Actions that make a table (Delta: Protocol Evolution, Change Metadata). */
function firstActions(
  { partitionColumn, fixed, fields: own = [{ name: "row", type: "long" }] }: DeltaTarget,
  { at, newId = randomUUID }: DeltaWrite,
): object[] {
  const partitionColumns =
    partitionColumn === null ? [] : [partitionColumn, ...Object.keys(fixed ?? {})];
  const days = partitionColumns.map((name) => ({ name, type: "string" }));
  const fields = [...own, ...days].map((field) => ({ ...field, nullable: true, metadata: {} }));
  const metaData = {
    id: newId(),
    format: { provider: "parquet", options: {} },
    schemaString: JSON.stringify({ type: "struct", fields }),
    partitionColumns,
    configuration: {},
    createdTime: at,
  };
  return [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }];
}

/** Partition values of a day, keyed as the table wants them. */
function valuesOf(
  { state }: DeltaTable,
  { path, partitionColumn, partitionFormat = "yyyy-MM-dd", fixed = {} }: DeltaTarget,
  partition: Partition,
): Record<string, string> {
  if (partitionColumn === null && (state.metaData?.partitionColumns.length ?? 0) === 0) return {};
  const wanted: [string, string][] = [
    [partitionColumn ?? "no column", valueOfDay(partition, partitionFormat)],
    ...Object.entries(fixed),
  ];
  const columns = state.metaData?.partitionColumns;
  if (columns === undefined) return Object.fromEntries(wanted);
  const found = wanted.map(([name, value]) => [findColumn(columns, name)?.physicalName, value]);
  if (found.length !== columns.length || found.some(([name]) => name === undefined)) {
    throw new PermanentError(
      `${path} is partitioned by ${columns.map(({ name }) => name).join(", ") || "nothing"}, not by ${wanted.map(([name]) => name).join(", ")}`,
    );
  }
  return Object.fromEntries(found) as Record<string, string>;
}

function removes({ state }: DeltaTable, add: Add): object[] {
  const { partitionValues, modificationTime } = add;
  const live = state.partitions.get(partitionKey(partitionValues))?.live.values() ?? [];
  return [...live].map(({ path, bytes }) => ({
    path,
    deletionTimestamp: modificationTime,
    dataChange: true,
    extendedFileMetadata: true,
    partitionValues,
    size: bytes,
  }));
}

/** The `add` of each partition, its data file written before. */
async function addsOf(
  store: ObjectStore,
  target: DeltaTarget,
  { table, write }: { readonly table: DeltaTable; readonly write: DeltaWrite },
): Promise<Add[]> {
  const adds: Add[] = [];
  for (const { partition, rows, bytes } of write.partitions) {
    const partitionValues = valuesOf(table, target, partition);
    const name = dataFileName(partitionValues, partition, write.newId ?? randomUUID);
    const file = write.dataFile?.(rows, partition);
    if (file !== undefined) await store.write(`${target.path}/${name}`, file);
    adds.push({
      path: encodeURI(name),
      partitionValues,
      size: file?.length ?? bytes ?? 100 * rows,
      modificationTime: write.at,
      dataChange: true,
      stats: JSON.stringify({ numRecords: rows }),
    });
  }
  return adds;
}

/** Folders as Hive escapes them; in the `add` the whole name is escaped once more, as a URI. */
function dataFileName(
  values: Readonly<Record<string, string>>,
  partition: Partition,
  newId: () => string,
): string {
  const folders = Object.entries(values).map(
    ([column, value]) => `${encodeURIComponent(column)}=${encodeURIComponent(value)}/`,
  );
  const unique = folders.length === 0 ? `${partition}-${newId()}` : newId();
  return `${folders.join("")}part-00000-${unique}.c000.parquet`;
}
