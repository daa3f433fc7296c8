import { z } from "zod";

/** A partition column, and the key that names it in `partitionValues` (Delta: Column Mapping). */
export interface PartitionColumn {
  readonly name: string;
  readonly physicalName: string;
}

export interface DeltaMetadata {
  /** Changes when the table is made anew. */
  readonly id: string;
  readonly partitionColumns: readonly PartitionColumn[];
}

/** An `add` or `remove` action. */
export interface DeltaFile {
  readonly kind: "add" | "remove";
  /** Path and deletion vector: the logical file's primary key (Delta: Add File and Remove File). */
  readonly key: string;
  readonly path: string;
  /** Unescaped, keyed by physical name; null where a `remove` leaves them out. */
  readonly partitionValues: Readonly<Record<string, string | null>> | null;
  /** False: the same rows were arranged anew (OPTIMIZE). */
  readonly dataChange: boolean;
  /** `numRecords` of its stats. */
  readonly rows: number | null;
  readonly bytes: number | null;
  /** When an added file was written, as its writer says; null where it does not. */
  readonly modifiedAt: number | null;
}

/** What one commit of a Delta log says, as far as Landfall cares. */
export interface DeltaCommit {
  readonly metaData: DeltaMetadata | null;
  readonly minWriterVersion: number | null;
  /** Newest version each application recorded (Delta: Transaction Identifiers). */
  readonly txns: ReadonlyMap<string, number>;
  readonly files: readonly DeltaFile[];
  /** `inCommitTimestamp`, else `commitInfo.timestamp`, else the newest file's; milliseconds. */
  readonly at: number | null;
}

/**
 * `unreadable` may be cured by the writer finishing it: not whole lines of JSON in UTF-8.
 * `unsupported` needs another Landfall: the table uses a reader feature it does not know.
 */
export interface DeltaProblem {
  readonly kind: "unreadable" | "unsupported";
  readonly message: string;
}

export type ParsedCommit = { readonly kind: "commit"; readonly commit: DeltaCommit } | DeltaProblem;

/** Reader features under which `add` and `remove` mean what they always meant. */
const knownReaderFeatures = new Set([
  "columnMapping",
  "deletionVectors",
  "timestampNtz",
  "typeWidening",
  "typeWidening-preview",
  "v2Checkpoint",
  "vacuumProtocolCheck",
  "variantType",
  "variantType-preview",
  "variantShredding",
  "variantShredding-preview",
]);

const PartitionValues = z.record(z.string(), z.string().nullable());

const DeletionVector = z.object({
  storageType: z.string(),
  pathOrInlineDv: z.string(),
  offset: z.number().nullish(),
});

const FileAction = z.object({
  path: z.string(),
  partitionValues: PartitionValues.nullish(),
  size: z.number().nullish(),
  modificationTime: z.number().nullish(),
  dataChange: z.boolean().default(true),
  stats: z.string().nullish(),
  deletionVector: DeletionVector.nullish(),
});
type FileAction = z.infer<typeof FileAction>;

const Action = z.object({
  add: FileAction.nullish(),
  remove: FileAction.nullish(),
  metaData: z
    .object({ id: z.string(), schemaString: z.string(), partitionColumns: z.array(z.string()) })
    .nullish(),
  protocol: z
    .object({
      minReaderVersion: z.number(),
      minWriterVersion: z.number(),
      readerFeatures: z.array(z.string()).nullish(),
    })
    .nullish(),
  txn: z.object({ appId: z.string(), version: z.number() }).nullish(),
  commitInfo: z
    .object({ timestamp: z.number().nullish(), inCommitTimestamp: z.number().nullish() })
    .nullish(),
});
type Action = z.infer<typeof Action>;

/** Bytes parsed between two yields of `parsingCommit`: a few milliseconds. */
const sliceBytes = 256 * 1024;

/** Parses a commit at once. */
export function parseCommit(bytes: Uint8Array): ParsedCommit {
  const parsing = parsingCommit(bytes);
  for (;;) {
    const step = parsing.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Parses a commit, pausing every few milliseconds so that whoever drives it can do other things
 * in between: commits of 100 MB exist. An empty file is unreadable: its writer has only begun.
 */
export function* parsingCommit(bytes: Uint8Array): Generator<undefined, ParsedCommit> {
  const gathered: Gathered = {
    actions: 0,
    metaData: null,
    minWriterVersion: null,
    txns: new Map(),
    files: [],
    committedAt: null,
    modifiedAt: null,
  };
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const end = sliceEnd(bytes, start);
    let text: string;
    try {
      text = decoder.decode(bytes.subarray(start, end));
    } catch {
      return unreadable(`is not UTF-8 after line ${line}`);
    }
    for (const json of text.split("\n")) {
      line += 1;
      const problem = json.trim() === "" ? null : takeLine(gathered, json, line);
      if (problem !== null) return problem;
    }
    line -= 1;
    start = end;
    yield;
  }
  if (gathered.actions === 0) return unreadable("is empty");
  const { metaData, minWriterVersion, txns, files, committedAt, modifiedAt } = gathered;
  const at = committedAt ?? modifiedAt;
  return { kind: "commit", commit: { metaData, minWriterVersion, txns, files, at } };
}

/** The end of the last whole line of a slice; of the first whole line when that is longer. */
function sliceEnd(bytes: Uint8Array, start: number): number {
  if (bytes.length - start <= sliceBytes) return bytes.length;
  const last = bytes.lastIndexOf(10, start + sliceBytes - 1);
  if (last >= start) return last + 1;
  const next = bytes.indexOf(10, start + sliceBytes);
  return next === -1 ? bytes.length : next + 1;
}

function unreadable(message: string): DeltaProblem {
  return { kind: "unreadable", message };
}

function takeLine(gathered: Gathered, json: string, line: number): DeltaProblem | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return unreadable(`is cut off or not JSON in line ${line}`);
  }
  const action = Action.safeParse(value);
  if (!action.success) {
    const [issue] = action.error.issues;
    return unreadable(`has a strange ${issue?.path.join(".") || "action"} in line ${line}`);
  }
  return gather(gathered, action.data);
}

/** The commit as far as its lines were read. */
interface Gathered {
  actions: number;
  metaData: DeltaMetadata | null;
  minWriterVersion: number | null;
  readonly txns: Map<string, number>;
  readonly files: DeltaFile[];
  committedAt: number | null;
  modifiedAt: number | null;
}

function gather(gathered: Gathered, action: Action): DeltaProblem | null {
  const { add, remove, metaData, protocol, txn, commitInfo } = action;
  gathered.actions += 1;
  if (add != null) {
    gathered.files.push(deltaFile("add", add));
    const at = Math.trunc(add.modificationTime ?? -1);
    if (at > (gathered.modifiedAt ?? -1)) gathered.modifiedAt = at;
  }
  if (remove != null) gathered.files.push(deltaFile("remove", remove));
  if (txn != null) gathered.txns.set(txn.appId, txn.version);
  if (commitInfo != null) {
    const at = commitInfo.inCommitTimestamp ?? commitInfo.timestamp;
    if (at != null) gathered.committedAt = Math.trunc(at);
  }
  if (metaData != null) {
    const columns = partitionColumnsOf(metaData.schemaString, metaData.partitionColumns);
    if (columns === null) return unreadable("has a metaData.schemaString that is no schema");
    gathered.metaData = { id: metaData.id, partitionColumns: columns };
  }
  if (protocol != null) gathered.minWriterVersion = protocol.minWriterVersion;
  return protocol == null ? null : unsupported(protocol);
}

function unsupported({
  minReaderVersion,
  readerFeatures,
}: NonNullable<Action["protocol"]>): DeltaProblem | null {
  const unknown = (readerFeatures ?? []).filter((name) => !knownReaderFeatures.has(name));
  if (unknown.length === 0 && minReaderVersion <= 3) return null;
  const needs = unknown.join(", ") || `reader version ${minReaderVersion}`;
  return { kind: "unsupported", message: `needs ${needs}, which Landfall does not know` };
}

function deltaFile(kind: "add" | "remove", action: FileAction): DeltaFile {
  const { path, deletionVector, partitionValues, dataChange, size, stats } = action;
  const modifiedAt = kind === "add" ? action.modificationTime : null;
  const key =
    deletionVector == null
      ? path
      : `${path}\n${deletionVector.storageType}${deletionVector.pathOrInlineDv}@${deletionVector.offset ?? ""}`;
  return {
    kind,
    key,
    path,
    partitionValues: partitionValues ?? null,
    dataChange,
    rows: kind === "add" ? rowsOf(stats) : null,
    bytes: size != null && size >= 0 ? Math.trunc(size) : null,
    modifiedAt: modifiedAt == null ? null : Math.trunc(modifiedAt),
  };
}

const numRecordsFirst = /^\{"numRecords":(\d{1,15})[,}]/;
const Stats = z.object({ numRecords: z.number().int().min(0) });

/** Nearly every writer puts `numRecords` first, so the rest of the stats need not be parsed. */
function rowsOf(stats: string | null | undefined): number | null {
  if (stats == null || stats === "") return null;
  const first = numRecordsFirst.exec(stats)?.[1];
  if (first !== undefined) return Number(first);
  try {
    return Stats.safeParse(JSON.parse(stats)).data?.numRecords ?? null;
  } catch {
    return null;
  }
}

const physicalNameKey = "delta.columnMapping.physicalName";
const Schema = z.object({
  fields: z.array(
    z.object({
      name: z.string(),
      metadata: z.object({ [physicalNameKey]: z.string().optional() }).nullish(),
    }),
  ),
});

function partitionColumnsOf(
  schemaString: string,
  names: readonly string[],
): PartitionColumn[] | null {
  if (names.length === 0) return [];
  try {
    const { fields } = Schema.parse(JSON.parse(schemaString));
    const physical = new Map(
      fields.map(({ name, metadata }) => [name, metadata?.[physicalNameKey] ?? name]),
    );
    return names.map((name) => ({ name, physicalName: physical.get(name) ?? name }));
  } catch {
    return null;
  }
}
