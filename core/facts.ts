import type { DocumentId } from "../schemas/documents.ts";
import type { JobSettled, PartitionLanded, TableRecreated } from "../schemas/events.ts";
import { type EpochMs, type Partition, parseTaskId, type TableName } from "../schemas/ids.ts";
import type { Landing, Version } from "../schemas/landings.ts";
import { addDays, partitionAt } from "./dates.ts";
import type { Draft } from "./draft.ts";
import {
  compareVersions,
  emptyLandings,
  landingsId,
  landingsIds,
  mergeLanding,
} from "./landings.ts";
import type { PlanIndex } from "./plan-index.ts";

/** One partition as a fact tells it. */
export interface Seen {
  readonly table: TableName;
  readonly partition: Partition;
  readonly landing: Landing;
  readonly backlog: boolean;
  /**
   * The table has no partitions: what was seen is the version of the whole, which may be another
   * day's by then. Whose it is is told by the outcome that is judged.
   */
  readonly whole?: true;
}

/**
 * The landings that events tell of: their own, and the partitions of its output that an ended job
 * was found to have. What a job wrote elsewhere (the online store) is no landing.
 */
export function landingsTold(
  plan: PlanIndex | null,
  events: readonly (PartitionLanded | JobSettled)[],
): Seen[] {
  return events.flatMap((event): Seen[] => {
    if (event.kind === "partition-landed") return [event];
    const step = plan?.step(parseTaskId(event.task).step);
    const whole = step?.verification === "table" ? { whole: true as const } : {};
    return event.outputs.flatMap(({ table, partition, landing }) =>
      landing === null || table !== step?.output
        ? []
        : [{ table, partition, landing, backlog: false, ...whole }],
    );
  });
}

/**
 * Merges landings into their documents by version, and remembers the first partition of each
 * table. Doing it twice, late or in any order leaves the same documents (I8).
 */
export function mergeLandings(draft: Draft, told: readonly Seen[]): void {
  draft.need(documentsOfLandings(told));
  for (const { table, partition, landing, whole } of told) {
    if (isOfFormerLog(landing, draft.get(`tables/${table}`)?.epoch)) continue;
    if (whole !== true) rememberLanding(draft, { table, partition, landing });
    if (landing.state !== "landed") continue;
    const known = draft.get(`tables/${table}`);
    if (known?.first === undefined || partition < known.first) {
      draft.put(`tables/${table}`, { ...known, schema: 1, table, first: partition });
    }
    if (whole === true) rememberNewest(draft, table, landing.version);
  }
}

/** The documents that landings are merged into. */
export function documentsOfLandings(told: readonly Seen[]): DocumentId[] {
  return told.flatMap(({ table, partition }): DocumentId[] => [
    landingsId(table, partition),
    `tables/${table}`,
  ]);
}

/** Merges one landing into its document. */
export function rememberLanding(
  draft: Draft,
  { table, partition, landing }: Pick<Seen, "table" | "partition" | "landing">,
): void {
  const id = landingsId(table, partition);
  const before = draft.get(id);
  const document = before ?? emptyLandings(table, partition);
  const merged = mergeLanding(document, partition, landing);
  if (merged !== before) draft.put(id, merged);
}

function rememberNewest(draft: Draft, table: TableName, version: Version): void {
  const known = draft.get(`tables/${table}`);
  if (known === null) return;
  if (known.newest !== undefined && compareVersions(known.newest, version) >= 0) return;
  draft.put(`tables/${table}`, { ...known, newest: version });
}

/** Whether a landing was read in a log that its table does not have any more. */
function isOfFormerLog({ seenBy, version }: Landing, epoch: number | undefined): boolean {
  const isRead = seenBy === "delta" || seenBy === "job";
  return isRead && epoch !== undefined && version.epoch < epoch;
}

/** How far beyond today partitions of a table may lie. */
const daysAhead = 366;

/** Remembers where a table that was made anew begins. Answers the documents that hold its landings. */
export function mergeRecreated(
  draft: Draft,
  { table, epoch }: Pick<TableRecreated, "table" | "epoch">,
  now: EpochMs,
): readonly DocumentId<"landings">[] {
  const known = draft.get(`tables/${table}`);
  if (epoch > (known?.epoch ?? 0))
    draft.put(`tables/${table}`, { ...known, schema: 1, table, epoch });
  if (known?.first === undefined) return [];
  return landingsIds(table, { start: known.first, end: addDays(partitionAt(now), daysAhead) });
}

/**
 * What the former log of a table landed is gone. Answers every partition that is so, also when it
 * was before: whoever heard of it may have died before it was looked at.
 */
export function mergeGone(
  draft: Draft,
  ids: readonly DocumentId<"landings">[],
  epoch: number,
): Partition[] {
  draft.need(ids);
  return ids.flatMap((id) => {
    const document = draft.get(id);
    const former = Object.entries(document?.partitions ?? {}).filter(([, landing]) =>
      isOfFormerLog(landing, epoch),
    );
    const landed = former.filter(([, { state }]) => state === "landed");
    if (document !== null && landed.length > 0) {
      const gone = landed.map(([day, landing]) => [day, { ...landing, state: "gone" as const }]);
      draft.put(id, {
        ...document,
        partitions: { ...document.partitions, ...Object.fromEntries(gone) },
      });
    }
    return former.map(([day]) => day);
  });
}
