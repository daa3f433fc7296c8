import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type DeltaState, stateOfCheckpoint } from "../core/delta-state.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { logPrefix, parsedActions } from "./delta-log.ts";

/** A checkpoint all of whose parts are there. */
interface Listed {
  readonly version: number;
  /** Names within the log folder. */
  readonly files: readonly string[];
}

/**
 * The state in the oldest checkpoint that can be read and is of commit `from` or later; null when
 * there is none. The oldest, so that the commits that are still there tell as much as they can
 * about when something changed. The log is listed: `_last_checkpoint` names the newest only.
 */
export async function readCheckpoint(
  store: ObjectStore,
  path: string,
  from: number,
): Promise<DeltaState | null> {
  for (const listed of await checkpoints(store, path)) {
    if (listed.version < from) continue;
    const state = await stateIn(store, path, listed);
    if (state !== null) return state;
  }
  return null;
}

const single = /^(\d{20})\.checkpoint(?:\.[0-9a-f-]{36})?\.(?:parquet|json)$/;
const part = /^(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet$/;

/** Oldest first. Of a checkpoint in several parts all must be there (Delta: Checkpoints). */
async function checkpoints(store: ObjectStore, path: string): Promise<Listed[]> {
  const prefix = logPrefix(path);
  const found: Listed[] = [];
  const parts = new Map<string, string[]>();
  for (const { name } of await store.list(prefix)) {
    const file = name.slice(prefix.length);
    const whole = single.exec(file);
    if (whole !== null) found.push({ version: Number(whole[1]), files: [file] });
    const [, version, , count] = part.exec(file) ?? [];
    if (version === undefined) continue;
    const files = [...(parts.get(`${version}.${count}`) ?? []), file];
    parts.set(`${version}.${count}`, files);
    if (files.length === Number(count)) found.push({ version: Number(version), files });
  }
  return found.sort((one, other) => one.version - other.version);
}

/** Null when it is cleaned up meanwhile, no checkpoint after all, or needs what nobody here knows. */
async function stateIn(
  store: ObjectStore,
  path: string,
  { version, files }: Listed,
): Promise<DeltaState | null> {
  const lines: string[] = [];
  const sidecars: string[] = [];
  for (const file of files) {
    const read = await actionsIn(store, `${logPrefix(path)}${file}`);
    if (read === null) return null;
    lines.push(...read.lines);
    sidecars.push(...read.sidecars);
  }
  for (const sidecar of sidecars) {
    const name = `${logPrefix(path)}_sidecars/${decodeURIComponent(sidecar)}`;
    const read = await actionsIn(store, name);
    if (read === null) return null;
    lines.push(...read.lines);
  }
  const parsed = await parsedActions(Buffer.from(lines.join("\n")));
  if (parsed.kind !== "commit" || parsed.commit.metaData === null) return null;
  return stateOfCheckpoint({ version, commit: parsed.commit, at: parsed.commit.at ?? 0 });
}

interface Actions {
  /** One action each, in JSON as a commit has it. */
  readonly lines: readonly string[];
  /** Names of files that hold more of them (Delta: V2 Spec). */
  readonly sidecars: readonly string[];
}

async function actionsIn(store: ObjectStore, name: string): Promise<Actions | null> {
  const object = await store.read(name);
  if (object === null) return null;
  try {
    return name.endsWith(".json") ? ofJson(object.bytes) : await ofParquet(object.bytes);
  } catch {
    return null;
  }
}

interface Row {
  readonly add?: { readonly stats?: string; readonly stats_parsed?: { numRecords?: bigint } };
  readonly sidecar?: { readonly path: string };
}

function ofJson(bytes: Uint8Array): Actions {
  const lines = new TextDecoder().decode(bytes).split("\n");
  const rows = lines.filter((line) => line.trim() !== "").map((line) => JSON.parse(line) as Row);
  return { lines, sidecars: sidecarsOf(rows) };
}

const columns: ReadonlySet<string> = new Set(["add", "metaData", "protocol", "txn", "sidecar"]);

/** What was removed is not asked for: it is no part of the snapshot. */
async function ofParquet(bytes: Uint8Array): Promise<Actions> {
  const file = new Uint8Array(bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  const present = parquetSchema(metadata).children.map(({ element }) => element.name);
  const wanted = present.filter((name) => columns.has(name));
  const read = await parquetReadObjects({ file, metadata, compressors, columns: wanted });
  const rows = read as Row[];
  return { lines: rows.map(lineOf).filter((line) => line !== "{}"), sidecars: sidecarsOf(rows) };
}

function sidecarsOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ sidecar }) => (sidecar == null ? [] : [sidecar.path]));
}

/** Statistics may be there as a structure only; of them the number of rows is wanted. */
function lineOf(row: Row): string {
  const { add } = row;
  if (add == null) return JSON.stringify(row, plain);
  const { stats_parsed: parsed, ...rest } = add;
  const stats =
    add.stats ?? (parsed?.numRecords == null ? null : `{"numRecords":${parsed.numRecords}}`);
  return JSON.stringify({ add: { ...rest, stats } }, plain);
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
