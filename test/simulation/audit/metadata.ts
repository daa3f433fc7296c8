import type { MetadataDelete } from "../../../schemas/commands.ts";
import type { EpochMs } from "../../../schemas/ids.ts";
import type { MetadataDocument } from "../../../schemas/metadata.ts";
import type { PlanDocument } from "../../../schemas/plan.ts";
import type { Broken, TraceEntry, WantedRow } from "../trace.ts";
import { breaks, type History, type MetadataCells, type Stored } from "./history.ts";

interface Row {
  readonly key: string;
  readonly content: string | null;
  readonly timestamp: EpochMs;
  readonly by: string | null;
  readonly at: EpochMs;
}

type Released = Extract<TraceEntry, { kind: "released" }>;

/**
 * Metadata in the online store. M1: an upload is recorded when every row it stands for lies there. M4:
 * no row is deleted but one that the ledger has and Landfall wrote last, where that is allowed, and
 * few after a release, or that somebody named; none that the release wants which decides, and that was written since it does,
 * however late a deletion arrives that another release asked for. At rest the rows of the newest release are there, not older than they may be.
 */
type Promised = Extract<Broken["promise"], `M${string}` | "liveness">;

export function rowsAsked({ metadata }: History, { id, keys }: MetadataDelete): void {
  metadata.asked.set(id, keys);
}

/** What somebody asked to delete, and was told that it will be, does not lie there, unless it is wanted again. */
function deletedAtRest(history: History, rows: readonly WantedRow[], at: EpochMs): void {
  const { asked, rows: cells } = history.metadata;
  for (const [id, keys] of asked) {
    if (history.commands.get(id)?.outcome.kind !== "accepted") continue;
    for (const key of keys) {
      const isWanted = rows.some((row) => row.key === key);
      if (isWanted || cells.get(key)?.cell?.isOurs !== true) continue;
      breaks(history, { promise: "liveness", at }, `${key} lies there, and ${id} was to delete it`);
    }
  }
}

export function metadataReleased({ metadata }: History, { release, wanted }: Released): void {
  metadata.wanted.set(release, wanted);
}

/** Takes over what became of a row, and looks at whose it was. */
export function metadataRow(history: History, row: Row): void {
  const { key, content, timestamp, by, at } = row;
  const cells = history.metadata.rows.get(key) ?? { cell: null, own: null, touchedAt: 0 };
  history.metadata.rows.set(key, cells);
  if (by === null) cells.touchedAt = at;
  if (content === null) {
    if (by !== null) deleted(history, row, cells);
    cells.cell = null;
    return;
  }
  if (by !== null) written(history, row);
  // Of two dispatchers' cells the newest is read, whichever came last.
  if (by !== null && (cells.own?.timestamp ?? 0) <= timestamp) {
    cells.own = { content, timestamp, at };
  }
  if (cells.cell === null || cells.cell.timestamp <= timestamp) {
    cells.cell = { content, timestamp, isOurs: by !== null };
  }
}

function written(history: History, { key, content, at }: Row): void {
  const { first, wanted } = history.metadata;
  const asked = [first, ...wanted.values()].flatMap((one) => one.metadata ?? []);
  if (asked.some((row) => row.key === key && row.content === content && row.isOurs)) return;
  breaks(history, { promise: "M1", at }, `${key} is written as nobody asked for`);
}

/** Since when the release decides that does. */
export function planStored({ metadata }: History, { release }: PlanDocument, at: EpochMs): void {
  const { decided } = metadata;
  if (decided.at(-1)?.release !== release) decided.push({ release, at });
}

function deleted(history: History, { key, at }: Row, { cell, own }: MetadataCells): void {
  const { metadata, settings } = history;
  const say = (what: string) => breaks(history, { promise: "M4", at }, what);
  // A row that is not there any more is none.
  if (cell === null) return;
  const ledger = [...metadata.pages.values()].flatMap(({ rows }) => Object.keys(rows));
  if (!ledger.includes(key)) say(`${key} is deleted, which the ledger has not`);
  if (!cell.isOurs) say(`${key} is deleted, which somebody else wrote`);
  const isNamed = [...metadata.asked.values()].some((keys) => keys.includes(key));
  if (settings.metadata.removal === "keep" && !isNamed)
    say(`${key} is deleted, which is to be kept`);
  if (isWrittenAnew(history, key, own)) say(`${key} is deleted, which was written anew since`);
  if (isNamed) return;
  metadata.deleted += 1;
  const most = Math.min(10, Math.floor(ledger.length * 0.05));
  if (metadata.deleted > most) {
    say(`${metadata.deleted} rows are deleted after a release, of ${ledger.length}`);
  }
}

/** Whether the release that decides wants a row, and it was written since that is so. */
function isWrittenAnew(history: History, key: string, own: MetadataCells["own"]): boolean {
  const current = history.metadata.decided.at(-1);
  if (current === undefined || own === null || own.at < current.at) return false;
  return wantedBy(history, current.release).some((row) => row.key === key);
}

/** M1, when the head of the ledger is stored. */
export function uploadStored(history: History, { body, at }: Stored): void {
  const { metadata } = history;
  const [before, now] = [metadata.head, body as MetadataDocument | null];
  if (now?.uploaded == null) return;
  const isNews =
    now.uploaded.at !== before?.uploaded?.at || now.uploaded.hash !== before.uploaded.hash;
  const isFresh = now.refreshedAt !== before?.refreshedAt;
  if (now.uploaded.release !== before?.uploaded?.release) metadata.deleted = 0;
  if (!isNews && !isFresh) return;
  for (const row of wantedBy(history, now.uploaded.release)) {
    const cells = metadata.rows.get(row.key);
    const lies = lying(row, cells);
    const say = (what: string) =>
      breaks(history, { promise: "M1", at }, `an upload is recorded, and ${row.key} ${what}`);
    if (lies === null) say("does not lie there");
    else if (isFresh && lies < (now.refreshedAt ?? 0)) say("was last written before");
  }
}

function wantedBy({ metadata }: History, release: string): readonly WantedRow[] {
  const { metadata: rows } = metadata.wanted.get(release) ?? metadata.first;
  return (rows ?? []).filter(({ isOurs }) => isOurs);
}

/** When what lies there was written; what somebody else did to it later is theirs. Null: it does not. */
function lying(row: WantedRow, cells: MetadataCells | undefined): EpochMs | null {
  if (cells === undefined || cells.own?.content !== row.content) return null;
  const { own, cell, touchedAt } = cells;
  const isRead = cell?.content === row.content && cell.timestamp === own.timestamp;
  return isRead || touchedAt >= own.timestamp - clocksApartMs ? own.timestamp : null;
}

/** No clock of a process is further from the world's. */
const clocksApartMs = 60_000;
/** How long a refresh that is due may take to begin, and to be done. */
const slackMs = 2 * 3_600_000;

export function metadataAtRest(history: History, at: EpochMs): void {
  const { metadata, settings, wanted } = history;
  const rows = wanted.at(-1)?.metadata ?? null;
  if (rows === null) return;
  const say = (promise: Promised, what: string) => breaks(history, { promise, at }, what);
  const { head } = metadata;
  if (head?.uploaded == null) return say("liveness", "no upload of metadata is recorded");
  if (head.trouble !== null) say("liveness", `metadata: ${head.trouble.sentence}`);
  deletedAtRest(history, rows, at);
  for (const row of rows) {
    if (!row.isOurs) continue;
    const cell = metadata.rows.get(row.key)?.cell ?? null;
    if (cell?.content !== row.content) {
      say("liveness", `the metadata of ${row.key} is ${cell?.content ?? "not there"}`);
    } else if (cell.timestamp < at - settings.metadata.refreshMs - slackMs) {
      say(
        "liveness",
        `the metadata of ${row.key} was last written at ${new Date(cell.timestamp).toISOString()}`,
      );
    }
  }
}
