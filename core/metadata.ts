import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { EpochMs } from "../schemas/ids.ts";
import type { MetadataDocument, WrittenRow } from "../schemas/metadata.ts";
import type { MetadataRow } from "../schemas/plan.ts";
import type { Settings } from "../schemas/settings.ts";
import { sha256HexOf } from "./hash.ts";
import { rowBy } from "./metadata-by.ts";

/**
 * Metadata in the online store, decided: which rows are to be there, when they are written, and what
 * becomes of those whose configs are gone.
 *
 * M1. An upload is recorded only after each of its rows was written and read back.
 * M2. Rows are written and deleted only by whom `writing` names, while its time is not over.
 * M3. Who finds that another did not end well writes every row that may differ from what is wanted.
 * M4. Nothing is deleted but rows that the ledger has, and never many at once unless somebody named them.
 */

/** How long a fetcher goes on with the row it has (`TTLCache.scala`). */
export const fetcherCacheMs = 2 * 3_600_000;

/** How far clocks of two dispatchers may be apart. */
const skewMs = 5_000;

/** Rows that may be deleted after a release: neither more than these, nor than this share of all. */
const deletionsMax = 10;
const deletedShareMax = 0.05;

/** Row key in Bigtable: `CHRONON_METADATA#joins/N`. */
export function metadataRowKey(table: string, key: string): Uint8Array {
  return utf8ToBytes(`${table}#${key}`);
}

/** What is to be in the table. */
export interface Wanted {
  readonly table: string;
  /** Equal exactly when table, keys and contents are. */
  readonly hash: string;
  readonly rows: ReadonlyMap<string, MetadataRow>;
  /** Keys of configs whose metadata somebody else writes. */
  readonly others: ReadonlySet<string>;
}

/** The rows of a plan that are Landfall's to write. */
export function wantedOf(planned: readonly MetadataRow[], settings: Settings): Wanted {
  const { table } = settings.metadata;
  const isOurs = (row: MetadataRow) => rowBy(settings, row) === "landfall";
  const rows = new Map(planned.filter(isOurs).map((row) => [row.key, row]));
  const others = planned.filter((row) => !isOurs(row)).map(({ key }) => key);
  const texts = [...rows.values()].map(
    ({ key, conf, instance }) =>
      `${key} ${conf.hash}${instance === undefined ? "" : ` ${instance}`}`,
  );
  return { table, rows, others: new Set(others), hash: sha256HexOf([table, ...texts]) };
}

/** Whether there is something to write now. */
export type NextStep =
  | { readonly kind: "rest"; readonly until: EpochMs }
  /** Somebody else writes. */
  | { readonly kind: "wait"; readonly until: EpochMs; readonly by: string }
  /** `whole`: every row, whatever the ledger says lies there. */
  | { readonly kind: "write"; readonly whole: boolean };

export interface Asking {
  readonly head: MetadataDocument | null;
  readonly wanted: Wanted;
  readonly now: EpochMs;
  /** Who would write. */
  readonly by: string;
  readonly refreshMs: number;
}

/** What is to be done, by the head of the ledger alone. */
export function nextStep({ head, wanted, now, by, refreshMs }: Asking): NextStep {
  const writing = head?.writing ?? null;
  if (writing !== null && writing.by !== by && now < writing.until + skewMs) {
    return { kind: "wait", until: writing.until + skewMs, by: writing.by };
  }
  if (head === null || head.uploaded === null || head.table !== wanted.table) {
    return { kind: "write", whole: true };
  }
  const left = writing !== null && (writing.whole || writing.hash !== wanted.hash);
  const refreshAt = (head.refreshedAt ?? 0) + refreshMs;
  if (left || now >= refreshAt) return { kind: "write", whole: true };
  const isDone = writing === null && head.trouble === null && head.uploaded.hash === wanted.hash;
  const isAsked = (head.asked ?? []).length > 0;
  return isDone && !isAsked ? { kind: "rest", until: refreshAt } : { kind: "write", whole: false };
}

/** Rows by key, as the ledger has them. */
export type Rows = ReadonlyMap<string, WrittenRow>;

/** Rows to write, in order of key. */
export function rowsToWrite(ledger: Rows, wanted: Wanted, whole: boolean): MetadataRow[] {
  return [...wanted.rows.values()].filter((row) => whole || !liesAs(ledger.get(row.key), row));
}

/** Whether the ledger says that a row lies there, refreshed, with its content, in its instance. */
function liesAs(lies: WrittenRow | undefined, { conf, instance }: MetadataRow): boolean {
  if (lies === undefined || lies.gone !== undefined) return false;
  return lies.hash === conf.hash && lies.instance === instance;
}

/** Keys of rows that the ledger has and no config asks for; what is left to others is not ours. */
export function goneRows(ledger: Rows, wanted: Wanted): string[] {
  return [...ledger.keys()].filter((key) => !wanted.rows.has(key) && !wanted.others.has(key));
}

export interface Deleting {
  readonly ledger: Rows;
  readonly removal: "keep" | "delete";
  /** Keys that somebody asked to delete; none when left out. */
  readonly asked?: readonly string[];
}

/** Which of the rows that are gone are deleted: those that somebody named, and of the others all or none. */
export function deletions(
  gone: readonly string[],
  { ledger, removal, asked = [] }: Deleting,
): readonly string[] {
  const named = gone.filter((key) => asked.includes(key));
  const others = gone.filter((key) => !asked.includes(key));
  const mayBe = removal === "delete" && others.length <= deletionsOf(ledger);
  return mayBe ? [...named, ...others] : named;
}

function deletionsOf(ledger: Rows): number {
  return Math.min(deletionsMax, Math.floor(ledger.size * deletedShareMax));
}

/** What a pass of writing came to. */
export interface Written {
  readonly wanted: Wanted;
  /** Keys that were written and read back. */
  readonly written: ReadonlySet<string>;
  readonly deleted: ReadonlySet<string>;
  /** When it began: no row was written earlier. */
  readonly at: EpochMs;
  /** When every row was last written before. */
  readonly refreshedAt: EpochMs | null;
  /** How long the table keeps a cell; null: for ever, undefined: nobody could say. */
  readonly keptMs: number | null | undefined;
}

/** The ledger after a pass: what lies in the table now. */
export function ledgerAfter(ledger: Rows, pass: Written): Map<string, WrittenRow> {
  const { wanted, written, deleted, at, refreshedAt, keptMs } = pass;
  const after = new Map<string, WrittenRow>();
  for (const [key, row] of wanted.rows) {
    const before = ledger.get(key);
    const { conf, instance } = row;
    const placed = instance === undefined ? {} : { instance };
    if (before !== undefined && liesAs(before, row)) after.set(key, before);
    else if (written.has(key)) after.set(key, { hash: conf.hash, uploadedAt: at, ...placed });
  }
  for (const key of goneRows(ledger, wanted)) {
    const before = ledger.get(key);
    if (before === undefined || deleted.has(key)) continue;
    const writtenAt = Math.max(before.uploadedAt, refreshedAt ?? 0);
    const gone = before.gone ?? { since: at, writtenAt };
    if (typeof keptMs === "number" && at > gone.writtenAt + keptMs) continue;
    after.set(key, { ...before, gone });
  }
  return after;
}

/** What is to be known of rows whose configs are gone; null when there is none. */
export function remarkOn(ledger: Rows, pass: Pick<Written, "keptMs" | "wanted">, removal: string) {
  const gone = [...ledger].filter(([, row]) => row.gone !== undefined);
  const [first] = gone;
  if (first === undefined) return null;
  const { table } = pass.wanted;
  const what =
    gone.length === 1
      ? `the row ${first[0]}, whose config is gone, is`
      : `${gone.length} rows, ${first[0]} for one, whose configs are gone, are`;
  const held =
    removal === "delete"
      ? `: more than may be deleted without a command (${deletionsOf(ledger)}, of ${ledger.size}; landfall metadata-delete)`
      : "";
  return `${what} no longer refreshed${held}; ${endOf(table, pass.keptMs)}`;
}

function endOf(table: string, keptMs: Written["keptMs"]): string {
  if (keptMs === undefined) return `how long table ${table} keeps a row could not be read`;
  if (keptMs === null)
    return `table ${table} drops nothing by age: somebody has to delete it there`;
  return `table ${table} drops a row ${Math.round(keptMs / 86_400_000)} days after it was last written`;
}
