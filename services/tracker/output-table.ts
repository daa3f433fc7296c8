import { type LakeTable, lakeTable } from "../../core/lake-layout.ts";
import { baseTable, type PlanIndex } from "../../core/plan-index.ts";
import { readLandings, type TableLandings } from "../../lake/delta-reader.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { TableName } from "../../schemas/ids.ts";
import type { PlanTable } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";

export interface OutputTablesOptions {
  readonly lake: ObjectStore;
  readonly store: TaskStore;
  readonly settings: Settings;
}

/** Output tables as they are in the lake now. */
export interface OutputTables {
  /**
   * What a table's log says, its versions counted as the watcher counts them. Throws
   * `RetryableError` when part of the log cannot be read: then nothing is known of the table.
   */
  read(plan: PlanIndex, table: TableName, column: string): Promise<TableLandings>;
}

interface KnownCursor {
  /** The table's id when the cursor was read; only a table made anew needs it read again. */
  readonly tableId: string | null;
  readonly cursor: CursorDocument | null;
}

/** Tables whose cursors are kept in memory. */
const cursorsMax = 10_000;

/**
 * Reads each table's cursor once per life of the table, not once per job: epochs only change when
 * a table is made anew, and then its id does.
 */
export function outputTables({ lake, store, settings }: OutputTablesOptions): OutputTables {
  const cursors = new Map<TableName, Promise<KnownCursor>>();

  const learn = async (place: LakeTable): Promise<KnownCursor> => {
    const id = `cursors/${place.name}` as const;
    const cursor = (await store.read([id])).get(id)?.body as CursorDocument | null;
    const { tableId } = await readLandings(lake, place, { cursor });
    return { tableId, cursor };
  };

  const learning = (place: LakeTable): Promise<KnownCursor> => {
    const known = learn(place);
    cursors.set(place.name, known);
    for (const oldest of cursors.keys()) {
      if (cursors.size <= cursorsMax) break;
      cursors.delete(oldest);
    }
    return known;
  };

  const forget = (place: LakeTable, known: Promise<KnownCursor>): void => {
    if (cursors.get(place.name) === known) cursors.delete(place.name);
  };

  return {
    async read(plan, table, column) {
      const place = placeOf(plan, { table, column, settings });
      for (;;) {
        const known = cursors.get(place.name) ?? learning(place);
        try {
          const { cursor, tableId } = await known;
          const landings = whole(await readLandings(lake, place, { cursor }));
          if (landings.tableId === tableId) return landings;
        } catch (cause) {
          forget(place, known);
          throw cause;
        }
        forget(place, known);
      }
    },
  };
}

function placeOf(
  plan: PlanIndex,
  { table, column, settings }: { table: TableName; column: string; settings: Settings },
): LakeTable {
  const own: PlanTable = plan.tables.get(table) ?? {
    name: table,
    external: false,
    partitionColumns: [],
    partitionFormat: "yyyy-MM-dd",
  };
  const columns = [column, ...own.partitionColumns];
  const place = lakeTable(
    baseTable(table),
    [{ ...own, partitionColumns: columns }],
    settings.tables,
  );
  if (place !== null) return place;
  throw new PermanentError(`cannot tell where ${table} lies; set tables["${table}"].path`);
}

function whole(landings: TableLandings): TableLandings {
  if (landings.problem === null) return landings;
  throw new RetryableError(landings.problem);
}
