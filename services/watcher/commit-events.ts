import {
  dayColumn,
  type PartitionReading,
  type Touched,
  touchedPartitions,
} from "../../core/delta-partitions.ts";
import { deltaLanding } from "../../core/delta-state.ts";
import type { FoundCommit } from "../../lake/delta-log.ts";
import { landingsOfState, type TableLandings } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { PartitionLanded } from "../../schemas/events.ts";
import { type Followed, type Following, landed, tellOnce } from "./followed.ts";

type Found = Extract<FoundCommit, { kind: "commit" }>;

/** The cursor after one more commit. Another `metaData.id` is another table, in a new epoch. */
export function nextCursor(cursor: CursorDocument, { version, commit }: Found): CursorDocument {
  const { metaData } = commit;
  if (metaData === null) return { ...cursor, contiguous: version };
  const isAnother = cursor.tableId !== null && cursor.tableId !== metaData.id;
  return {
    ...cursor,
    contiguous: version,
    tableId: metaData.id,
    epoch: isAnother ? cursor.epoch + 1 : cursor.epoch,
    partitionColumns: [...metaData.partitionColumns],
  };
}

/** The landings one commit tells of. `cursor` is the one after it. */
export async function eventsOfCommit(
  following: Following,
  table: Followed & { readonly path: string },
  { found, cursor }: { readonly found: Found; readonly cursor: CursorDocument },
): Promise<PartitionLanded[]> {
  const reading = partitionReading(following, table, cursor);
  if (reading === null) return [];
  const { touched, notDays } = touchedPartitions(found.commit, reading);
  if (notDays.length > 0) {
    tellOnce(
      table,
      following.log,
      `${table.table.name} has values of ${reading.day.column.name} that are no day (${JSON.stringify(notDays[0])}); they land nothing`,
    );
  }
  const added = touched.filter(({ adds }) => adds > 0);
  const taken = touched.filter(({ adds }) => adds === 0);
  const unnamed = found.commit.files.some(
    (file) => file.kind === "remove" && file.dataChange && file.partitionValues === null,
  );
  const events = added.map((partition) => addedTo(partition, found, cursor));
  if (taken.length === 0 && !unnamed) return events;
  const seen = await newestLandings(following, table, cursor);
  const told = taken.map((partition) => takenFrom(partition, seen, { found, cursor }));
  return [...events, ...told, ...(unnamed && seen !== null ? since(seen, found.version) : [])];
}

/** How to read days out of the table's partition values; null when it has none. */
function partitionReading(
  { log }: Following,
  followed: Followed,
  { partitionColumns: columns }: CursorDocument,
): PartitionReading | null {
  const { table } = followed;
  const column = dayColumn(columns, table.columns);
  if (column !== null) {
    return { columns, day: { column, format: table.format }, tables: table.landsAs };
  }
  if (columns.length > 0) {
    const has = columns.map(({ name }) => name).join(", ");
    tellOnce(
      followed,
      log,
      `${table.name} is partitioned by ${has}, but its readers name ${table.columns.join(", ") || "no column"}; it lands nothing`,
    );
  }
  return null;
}

function addedTo(
  { table, partition, ...added }: Touched,
  { version: n, at }: Found,
  { epoch }: CursorDocument,
): PartitionLanded {
  const landing = deltaLanding({ n, at, ...added }, { epoch, gone: false });
  return landed(table, partition, { landing, backlog: false });
}

/**
 * Rows were only taken away: whether any are left is told by the other files of the partition, where the
 * log can be read up to the commit.
 */
function takenFrom(
  { table, partition }: Touched,
  seen: TableLandings | null,
  { found, cursor }: { readonly found: Found; readonly cursor: CursorDocument },
): PartitionLanded {
  const unknown = deltaLanding(
    { n: found.version, at: found.at, adds: 0, rows: null, bytes: null },
    { epoch: cursor.epoch, gone: false },
  );
  const landing = seen?.landings.get(table)?.get(partition) ?? unknown;
  return landed(table, partition, { landing, backlog: false });
}

/** Null where the log cannot be read up to the cursor: a commit before it was passed over. */
function newestLandings(
  { lake }: Following,
  { path, table }: Followed & { readonly path: string },
  cursor: CursorDocument,
): Promise<TableLandings | null> {
  return withDeltaTable(lake, path, ({ state }) =>
    state.version < cursor.contiguous ? null : landingsOfState(state, table, cursor),
  );
}

/** Everything that changed in commit `n` or later. */
function since({ landings }: TableLandings, n: number): PartitionLanded[] {
  return [...landings].flatMap(([table, days]) =>
    [...days].flatMap(([partition, landing]) =>
      landing.version.n >= n ? [landed(table, partition, { landing, backlog: false })] : [],
    ),
  );
}
