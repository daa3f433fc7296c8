import type { Partition, TableName } from "../schemas/ids.ts";
import type { Landing } from "../schemas/landings.ts";
import type { DeltaCommit, DeltaFile, DeltaMetadata } from "./delta.ts";
import { belongs, dayOfValue, type PartitionReading, valueOf } from "./delta-partitions.ts";
import type { NamedCommit } from "./epochs.ts";

export interface LiveFile {
  readonly path: string;
  readonly bytes: number;
}

/** The latest change of rows in one commit. */
export interface Change {
  readonly n: number;
  readonly at: number;
  /** Files added; none: rows were only taken away. */
  readonly adds: number;
  /** Rows added; null when a file does not say. */
  readonly rows: number | null;
  readonly bytes: number | null;
}

/** One combination of partition values. */
export interface DeltaPartition {
  /** Keyed by physical name. */
  readonly values: Readonly<Record<string, string | null>>;
  /** Files of the newest snapshot by their key. */
  readonly live: Map<string, LiveFile>;
  /** Null: files were only ever rearranged. */
  changed: Change | null;
}

/** What a Delta log says up to one commit. Grows by `applyCommit`, commit by commit. */
export interface DeltaState {
  /** -1: no commit was read. */
  version: number;
  /** Commits before the first one read are unknown; then nothing can be said to be gone. */
  readonly fromStart: boolean;
  metaData: DeltaMetadata | null;
  minWriterVersion: number;
  readonly named: NamedCommit[];
  /** Commit by the `txn` it recorded, keyed by `txnKey`. */
  readonly txns: Map<string, number>;
  readonly partitions: Map<string, DeltaPartition>;
  /** The latest change of rows of the whole table. */
  changed: Change | null;
}

export function emptyState(first: number): DeltaState {
  return {
    version: first - 1,
    fromStart: first === 0,
    metaData: null,
    minWriterVersion: 0,
    named: [],
    txns: new Map(),
    partitions: new Map(),
    changed: null,
  };
}

export function txnKey(appId: string, version: number): string {
  return `${version} ${appId}`;
}

/** Identity of partition values: the same whatever order a writer names them in. */
export function partitionKey(values: Readonly<Record<string, string | null>>): string {
  const keys = Object.keys(values);
  if (keys.length === 1) return JSON.stringify(values);
  return JSON.stringify(keys.sort().map((key) => [key, values[key]]));
}

/** A commit of a log, and when it was made. */
export interface CommitAt {
  readonly version: number;
  readonly commit: DeltaCommit;
  readonly at: number;
}

/** Adds the next commit to what is known. Commits must come in order, without a gap. */
export function applyCommit(state: DeltaState, next: CommitAt): void {
  const { version, commit } = next;
  state.version = version;
  state.metaData = commit.metaData ?? state.metaData;
  state.minWriterVersion = commit.minWriterVersion ?? state.minWriterVersion;
  recordCommit(state, next, true);
}

/**
 * Tells when things happened that the state already holds, since it was read from a checkpoint.
 * Commits must come in order.
 */
export function recallCommit(state: DeltaState, earlier: CommitAt): void {
  recordCommit(state, earlier, false);
}

function recordCommit(state: DeltaState, { version: n, commit, at }: CommitAt, isNew: boolean) {
  if (commit.metaData !== null) state.named.push({ n, tableId: commit.metaData.id });
  for (const [appId, version] of commit.txns) state.txns.set(txnKey(appId, version), n);
  for (const file of commit.files) {
    const partition = partitionOfFile(state, file);
    if (partition === null) continue;
    if (isNew) takeFile(partition, file);
    if (!file.dataChange) continue;
    partition.changed = changedBy(partition.changed, file, { n, at });
    state.changed = changedBy(state.changed, file, { n, at });
  }
}

function takeFile({ live }: DeltaPartition, { kind, key, path, bytes }: DeltaFile): void {
  if (kind === "add") live.set(key, { path, bytes: bytes ?? 0 });
  else live.delete(key);
}

/**
 * The state a checkpoint holds, whose actions were read as one commit. When its partitions changed
 * it does not say: they get version 0, which passes for news nowhere, with the time their newest
 * file was written.
 */
export function stateOfCheckpoint({ version, commit, at }: CommitAt): DeltaState {
  const state: DeltaState = {
    ...emptyState(0),
    version,
    metaData: commit.metaData,
    minWriterVersion: commit.minWriterVersion ?? 0,
  };
  const adds = commit.files.filter(({ kind }) => kind === "add");
  for (const file of adds) {
    const partition = partitionOfFile(state, file);
    if (partition === null) continue;
    takeFile(partition, file);
    const written = Math.max(partition.changed?.at ?? 0, file.modifiedAt ?? at);
    partition.changed = { ...changedBy(partition.changed, file, { n: 0, at }), at: written };
    const newest = Math.max(state.changed?.at ?? 0, written);
    state.changed = { ...changedBy(state.changed, file, { n: 0, at }), at: newest };
  }
  const past = { ...commit, files: [] };
  recordCommit(state, { version: 0, commit: past, at }, false);
  return state;
}

/** Counts in place: a commit may have a hundred thousand files. */
function changedBy(
  before: Change | null,
  file: DeltaFile,
  { n, at }: { readonly n: number; readonly at: number },
): Change {
  const change: { -readonly [Field in keyof Change]: Change[Field] } =
    before?.n === n ? before : { n, at, adds: 0, rows: 0, bytes: 0 };
  if (file.kind === "remove") return change;
  change.adds += 1;
  change.rows = sum(change.rows, file.rows);
  change.bytes = sum(change.bytes, file.bytes);
  return change;
}

/** Null when one of them is not known. */
function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

function addedTo(
  change: Change,
  { adds, rows, bytes }: Pick<Change, "adds" | "rows" | "bytes">,
): Change {
  return {
    ...change,
    adds: change.adds + adds,
    rows: sum(change.rows, rows),
    bytes: sum(change.bytes, bytes),
  };
}

/** A `remove` may leave its partition values out; then the partition that holds the file has it. */
function partitionOfFile(state: DeltaState, file: DeltaFile): DeltaPartition | null {
  if (file.partitionValues === null) {
    for (const partition of state.partitions.values()) {
      if (partition.live.has(file.key)) return partition;
    }
    return null;
  }
  const key = partitionKey(file.partitionValues);
  const known = state.partitions.get(key);
  if (known !== undefined) return known;
  const fresh = { values: file.partitionValues, live: new Map(), changed: null };
  state.partitions.set(key, fresh);
  return fresh;
}

/**
 * The landing of every day under every name the table lands as. A day with several combinations of
 * values (hours) has the newest of their versions, and is gone only when all of them are.
 */
export function landingsOf(
  state: DeltaState,
  reading: PartitionReading,
  epochOf: (n: number) => number,
): Map<TableName, Map<Partition, Landing>> {
  const landings = new Map<TableName, Map<Partition, Landing>>();
  for (const table of reading.tables) {
    const days = new Map<Partition, Day>();
    for (const { values, live, changed } of state.partitions.values()) {
      const day = dayOfValue(valueOf(values, reading.day.column), reading.day.format);
      if (day === null || changed === null || !belongs(values, table, reading.columns)) continue;
      const gone = state.fromStart && live.size === 0;
      days.set(day, mergedDay(days.get(day), { change: changed, gone }));
    }
    landings.set(
      table.name,
      new Map([...days].map(([day, seen]) => [day, landingOfDay(seen, epochOf)])),
    );
  }
  return landings;
}

interface Day {
  readonly change: Change;
  readonly gone: boolean;
}

function mergedDay(before: Day | undefined, more: Day): Day {
  if (before === undefined) return more;
  const gone = before.gone && more.gone;
  if (before.change.n > more.change.n) return { change: before.change, gone };
  if (before.change.n < more.change.n) return { change: more.change, gone };
  return { change: addedTo(before.change, more.change), gone };
}

function landingOfDay({ change, gone }: Day, epochOf: (n: number) => number): Landing {
  return deltaLanding(change, { epoch: epochOf(change.n), gone });
}

/** A change of rows as a landing; rows and bytes are told where files were added. */
export function deltaLanding(
  { n, at, adds, rows, bytes }: Change,
  { epoch, gone }: { readonly epoch: number; readonly gone: boolean },
): Landing {
  return {
    state: gone ? "gone" : "landed",
    version: { epoch, n },
    ...(rows === null || adds === 0 ? {} : { rows }),
    ...(bytes === null || adds === 0 ? {} : { bytes }),
    at,
    seenBy: "delta",
  };
}
