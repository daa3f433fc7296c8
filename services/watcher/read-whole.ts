import { isRestarted } from "../../core/epochs.ts";
import type { LakeTable } from "../../core/lake-layout.ts";
import { compareVersions } from "../../core/landings.ts";
import { landingsOfState, type TableLandings } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { PartitionLanded, TableRecreated } from "../../schemas/events.ts";
import {
  type Followed,
  type Following,
  isUntold,
  landed,
  publishedTogether,
  tellOnce,
  toldCursor,
} from "./followed.ts";
import { hold } from "./held-commit.ts";

/**
 * Publishes the newest state of every partition that is newer than the cursor, all of them when the
 * table was made anew or was never looked at.
 */
export async function readWhole(
  following: Following,
  table: Followed,
  path: string,
): Promise<void> {
  const { table: lakeTable } = table;
  const cursor = toldAgain(table);
  const { seen, problem, restarted, begins } = await withDeltaTable(
    following.lake,
    path,
    ({ state, problem: found }) => ({
      seen: landingsOfState(state, lakeTable, cursor),
      problem: found,
      restarted: cursor !== null && isRestarted(state.named, cursor, state.version),
      begins: state.fromStart,
    }),
  );
  table.verified = true;
  table.beginning = undefined;
  if (!begins) {
    tellOnce(
      table,
      following.log,
      `the Delta log of ${table.table.name} does not begin at commit 0, and no checkpoint of it can be read: partitions written before are not known`,
    );
  }
  if (cursor === null && seen.version >= 0) {
    table.cursor = await following.begin({ ...cursorAt(lakeTable, seen), telling: true });
    if (table.cursor.telling !== true) return;
  }
  if (restarted) await following.publish(madeAnew(table, cursor));
  const before = cursor ?? table.cursor;
  const events = restarted ? all(seen) : newsOf(seen, before);
  await publishInPages(following, events);
  if (seen.version >= 0) {
    table.cursor = cursorAt(lakeTable, seen);
    table.generations.clear();
  }
  if (problem !== null) hold(following, table, { path, problem });
}

/** Where a table is read otherwise than its cursor says, what is behind that is told as at a first look. */
function toldAgain(table: Followed): CursorDocument | null {
  const { cursor } = table;
  return cursor === null || !isUntold(table) ? cursor : { ...cursor, telling: true };
}

function cursorAt(table: LakeTable, seen: TableLandings): CursorDocument {
  const { tableId, epoch, version: contiguous } = seen;
  const partitionColumns = [...seen.partitionColumns];
  return toldCursor(table, { tableId, epoch, contiguous, partitionColumns });
}

/** Versions of the new log begin with the epoch after the cursor's, as `landingsOfState` counts them. */
function madeAnew({ table }: Followed, cursor: CursorDocument | null): TableRecreated[] {
  const epoch = 1 + (cursor?.epoch ?? 0);
  return table.landsAs.map(({ name }) => ({
    kind: "table-recreated",
    schema: 1,
    table: name,
    epoch,
  }));
}

/**
 * Everything of a table that was made anew, what is gone too: a watcher that died before it stored
 * where it was may have told that it landed.
 */
function all({ landings }: TableLandings): PartitionLanded[] {
  return [...landings].flatMap(([table, days]) =>
    [...days].map(([partition, landing]) => landed(table, partition, { landing, backlog: false })),
  );
}

/**
 * What is newer than the cursor; of a table that is told for the first time also, as backlog, all
 * that had landed before.
 */
function newsOf(seen: TableLandings, cursor: CursorDocument | null): PartitionLanded[] {
  if (cursor === null) return [];
  const { epoch, contiguous: n } = cursor;
  return all(seen).flatMap((event) => {
    const { landing } = event;
    if (compareVersions(landing.version, { epoch, n }) > 0) return [event];
    const isOld = cursor.telling === true && landing.state === "landed";
    return isOld ? [{ ...event, backlog: true }] : [];
  });
}

async function publishInPages(
  following: Following,
  events: readonly PartitionLanded[],
): Promise<void> {
  for (let at = 0; at < events.length; at += publishedTogether) {
    await following.publish(events.slice(at, at + publishedTogether));
  }
}
