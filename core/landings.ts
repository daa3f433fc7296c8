import type { DocumentId } from "../schemas/documents.ts";
import type { Partition, TableName } from "../schemas/ids.ts";
import type { Landing, LandingsDocument, Version } from "../schemas/landings.ts";
import type { View } from "./draft.ts";

/** Negative when `a` is older than `b`. Epochs first: a recreated table starts counting again. */
export function compareVersions(a: Version, b: Version): number {
  return a.epoch === b.epoch ? a.n - b.n : a.epoch - b.epoch;
}

/** A version as tasks record it: `epoch.n`. */
export function versionText(version: Version): string {
  return `${version.epoch}.${version.n}`;
}

export function monthOf(partition: Partition): string {
  return partition.slice(0, 7);
}

export function landingsId(table: TableName, partition: Partition): `landings/${string}` {
  return `landings/${table}@${monthOf(partition)}`;
}

export function emptyLandings(table: TableName, partition: Partition): LandingsDocument {
  return { schema: 1, table, month: monthOf(partition), partitions: {}, writers: {} };
}

/** What is known of a partition, or null. */
export function landingOf(view: View, table: TableName, partition: Partition): Landing | null {
  const partitions = view.get(landingsId(table, partition))?.partitions;
  if (partitions === undefined || !Object.hasOwn(partitions, partition)) return null;
  return partitions[partition] ?? null;
}

/** Ids of the documents that hold the partitions from `start` to `end`. */
export function landingsIds(
  table: TableName,
  range: { readonly start: Partition; readonly end: Partition },
): readonly DocumentId<"landings">[] {
  const ids: DocumentId<"landings">[] = [];
  if (range.start > range.end) return ids;
  const last = monthOf(range.end);
  for (let month = monthOf(range.start); ; month = nextMonth(month)) {
    ids.push(`landings/${table}@${month}`);
    if (month === last) return ids;
  }
}

function nextMonth(month: string): string {
  const year = Number(month.slice(0, 4));
  const of = Number(month.slice(5));
  return of === 12
    ? `${String(year + 1).padStart(4, "0")}-01`
    : `${month.slice(0, 4)}-${String(of + 1).padStart(2, "0")}`;
}

/**
 * The landings after one more fact; the same object when it says nothing new (I8). The larger
 * version stays, whatever order facts come in.
 */
export function mergeLanding(
  document: LandingsDocument,
  partition: Partition,
  landing: Landing,
): LandingsDocument {
  const known = Object.hasOwn(document.partitions, partition)
    ? document.partitions[partition]
    : undefined;
  if (known !== undefined && compareVersions(known.version, landing.version) >= 0) return document;
  return { ...document, partitions: { ...document.partitions, [partition]: landing } };
}
