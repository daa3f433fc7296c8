import type { Partition, TableName } from "../schemas/ids.ts";
import type { PlanTable } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import { dayOfValue, type LandingTable } from "./delta-partitions.ts";
import { own } from "./own.ts";
import { baseTable } from "./plan-index.ts";

/** Where one table lies in the lake, and the names its partitions land under. */
export interface LakeTable {
  /** `db.table`, without a fixed sub-partition. */
  readonly name: TableName;
  /** Prefixes it may lie under, without a slash at the end; the first is where it is made. */
  readonly paths: readonly string[];
  /** Columns that may hold the day: those its readers and its writer name. */
  readonly columns: readonly string[];
  readonly format: PlanTable["partitionFormat"];
  /** The table itself and its declared sub-partitions, as far as the plan knows them. */
  readonly landsAs: readonly LandingTable[];
}

/** What the name of an object says. */
export type Located =
  | {
      readonly kind: "delta-commit";
      readonly table: LakeTable;
      readonly path: string;
      readonly version: number;
    }
  | {
      readonly kind: "marker";
      readonly table: LakeTable;
      readonly path: string;
      readonly partition: Partition;
      /** Values of the other partition columns: `{ hr: "13" }` of `…/ds=2025-09-30/hr=13`. */
      readonly rest: Readonly<Record<string, string>>;
    };

export interface LakeLayout {
  /** By name without sub-partition. */
  readonly tables: ReadonlyMap<TableName, LakeTable>;
  /** Tables that lie nowhere, one line each that says what to do. */
  readonly problems: readonly string[];
  /** What an object's name says; null for the many that say nothing. Two look-ups at most. */
  readonly locate: (objectName: string) => Located | null;
}

/** Lays out the tables of a plan: `{db}/{table}`, `{db}.db/{table}`, or where settings say. */
export function lakeLayout(
  planTables: readonly PlanTable[],
  settings: Settings["tables"],
): LakeLayout {
  const tables = new Map<TableName, LakeTable>();
  const byPath = new Map<string, LakeTable>();
  const problems: string[] = [];
  for (const [name, parts] of grouped(planTables)) {
    const table = lakeTable(name, parts, settings);
    const problem = table === null ? `cannot tell where ${name} lies in the lake` : taken(table);
    if (problem !== null) problems.push(`${problem}; set tables["${name}"].path`);
    if (table === null || problem !== null) continue;
    tables.set(name, table);
    for (const path of table.paths) byPath.set(path, table);
  }
  return { tables, problems, locate: (objectName) => locate(byPath, objectName) };

  function taken({ name, paths }: LakeTable): string | null {
    const other = paths.map((path) => byPath.get(path)).find((found) => found !== undefined);
    return other === undefined ? null : `${name} would lie where ${other.name} lies`;
  }
}

function grouped(planTables: readonly PlanTable[]): Map<TableName, PlanTable[]> {
  const groups = new Map<TableName, PlanTable[]>();
  for (const table of planTables) {
    const base = baseTable(table.name);
    const group = groups.get(base);
    if (group === undefined) groups.set(base, [table]);
    else group.push(table);
  }
  return groups;
}

/** A table and its sub-partitions as the plan names them; null when it lies nowhere. */
export function lakeTable(
  name: TableName,
  parts: readonly PlanTable[],
  settings: Settings["tables"],
): LakeTable | null {
  const path = own(settings, name)?.path;
  const paths = path === undefined ? pathsOf(name) : [path.replace(/^\/+|\/+$/g, "")];
  if (paths.length === 0 || !paths.every(isPath)) return null;
  return {
    name,
    paths,
    columns: [...new Set(parts.flatMap(({ partitionColumns }) => partitionColumns))],
    format: parts[0]?.partitionFormat ?? "yyyy-MM-dd",
    landsAs: parts.map((part) => ({ name: part.name, fixed: fixedOf(part.name) })),
  };
}

/**
 * The last two parts of a name say where a table lies: a catalog names an engine, not a place. A
 * bare name lies at the root, as in Spark's default database. Backticks only quote.
 */
function pathsOf(name: TableName): string[] {
  const parts = splitName(name);
  const table = parts.at(-1);
  const db = parts.at(-2);
  if (table === undefined || parts.length > 3) return [];
  return db === undefined ? [table] : [`${db}/${table}`, `${db}.db/${table}`];
}

/** `["db", "user-activities"]` of ``db.`user-activities` ``; a dot within backticks is no border. */
function splitName(name: TableName): string[] {
  const parts = name.match(/`[^`]*`|[^.`]+/g) ?? [];
  return parts.map((part) => part.replaceAll("`", ""));
}

function isPath(path: string): boolean {
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
}

/** `{ hr: "00:00" }` of `db.table/hr=00:00`. */
export function fixedOf(name: TableName): Readonly<Record<string, string>> {
  return Object.fromEntries(name.split("/").slice(1).map(keyAndValue));
}

function keyAndValue(segment: string): [string, string] {
  const equals = segment.indexOf("=");
  return equals === -1 ? [segment, ""] : [segment.slice(0, equals), segment.slice(equals + 1)];
}

const logFolder = "/_delta_log/";
const commitSuffix = logFolder.length + "00000000000000000000.json".length;
const markerSuffix = "/_SUCCESS";

function locate(byPath: ReadonlyMap<string, LakeTable>, objectName: string): Located | null {
  if (objectName.endsWith(".json")) return locateCommit(byPath, objectName);
  if (objectName.endsWith(markerSuffix)) return locateMarker(byPath, objectName);
  return null;
}

function locateCommit(byPath: ReadonlyMap<string, LakeTable>, objectName: string): Located | null {
  const at = objectName.length - commitSuffix;
  if (at <= 0 || !objectName.startsWith(logFolder, at)) return null;
  const path = objectName.slice(0, at);
  const table = byPath.get(path);
  const digits = objectName.slice(at + logFolder.length, -".json".length);
  if (table === undefined || !/^\d{20}$/.test(digits)) return null;
  const version = Number(digits);
  return Number.isSafeInteger(version) ? { kind: "delta-commit", table, path, version } : null;
}

function locateMarker(byPath: ReadonlyMap<string, LakeTable>, objectName: string): Located | null {
  const values: [string, string][] = [];
  let path = objectName.slice(0, -markerSuffix.length);
  for (;;) {
    const slash = path.lastIndexOf("/");
    const last = path.slice(slash + 1);
    if (slash === -1 || !last.includes("=")) break;
    values.unshift(keyAndValue(unescaped(last)));
    path = path.slice(0, slash);
  }
  const table = byPath.get(path);
  if (table === undefined) return null;
  const columns = table.columns.map((column) => column.toLowerCase());
  const day = values.find(([column]) => columns.includes(column.toLowerCase()));
  const partition = dayOfValue(day?.[1], table.format);
  if (day === undefined || partition === null) return null;
  const rest = Object.fromEntries(values.filter((value) => value !== day));
  return { kind: "marker", table, path, partition, rest };
}

/** Hive escapes `:` and others in folder names as `%3A`. */
function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * Whether news can come from a folder of the lake: a Delta table tells everything in its
 * `_delta_log`, and has thousands of folders of data beside it. `has` asks what lies beside.
 */
export function bringsNews(folder: string, has: (sibling: string) => boolean): boolean {
  if (folder.includes(logFolder)) return false;
  return folder.endsWith("/_delta_log") || !has("_delta_log");
}
