import type { PartitionColumn } from "../core/delta.ts";
import { dayColumn } from "../core/delta-partitions.ts";
import { type Change, type DeltaState, deltaLanding, landingsOf } from "../core/delta-state.ts";
import { epochsOf } from "../core/epochs.ts";
import type { LakeTable } from "../core/lake-layout.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { CursorDocument } from "../schemas/documents.ts";
import type { Partition, TableName } from "../schemas/ids.ts";
import type { Landing } from "../schemas/landings.ts";
import { logPrefix } from "./delta-log.ts";
import { pathReadBefore, withDeltaTable } from "./delta-table.ts";

/** What a table's Delta log says now. */
export interface TableLandings {
  /** `metaData.id`; null when there is no such table. */
  readonly tableId: string | null;
  /** Number of the newest commit; -1: none. */
  readonly version: number;
  /** Epoch of the newest commit. */
  readonly epoch: number;
  readonly partitionColumns: readonly PartitionColumn[];
  /** By name the table lands under (`db.table`, `db.table/hr=00:00`), then by day. */
  readonly landings: ReadonlyMap<TableName, ReadonlyMap<Partition, Landing>>;
  /** The newest commit that changed rows anywhere in the table; of an unpartitioned one, too. */
  readonly table: Landing | null;
  /** One line when a commit could not be read; what is after it is not in `landings`. */
  readonly problem: string | null;
}

const nothing: TableLandings = {
  tableId: null,
  version: -1,
  epoch: 0,
  partitionColumns: [],
  landings: new Map(),
  table: null,
  problem: null,
};

/** The prefix under which the Delta log of a table is; null when there is none. */
export async function deltaPath(store: ObjectStore, table: LakeTable): Promise<string | null> {
  for (const path of table.paths) {
    const found = await store.list(logPrefix(path), { limit: 1 });
    if (found.length > 0) return path;
  }
  return null;
}

/**
 * The newest state of every partition of a table from its JSON log. Epochs continue from the
 * watcher's `cursor`, so that a version read here compares with the ones the watcher published.
 *
 * Cheap when repeated: only commits that are new since the last call are read, where the log was then.
 */
export async function readLandings(
  store: ObjectStore,
  table: LakeTable,
  options: { readonly cursor?: CursorDocument | null } = {},
): Promise<TableLandings> {
  const { cursor = null } = options;
  const before = pathReadBefore(store, table.paths);
  if (before !== null) {
    const found = await landingsAt(store, before, { table, cursor });
    if (found.version >= 0) return found;
  }
  const path = await deltaPath(store, table);
  return path === null ? nothing : landingsAt(store, path, { table, cursor });
}

function landingsAt(
  store: ObjectStore,
  path: string,
  { table, cursor }: { readonly table: LakeTable; readonly cursor: CursorDocument | null },
): Promise<TableLandings> {
  return withDeltaTable(store, path, ({ state, problem }) => ({
    ...landingsOfState(state, table, cursor),
    problem: problem === null ? null : `commit ${problem.version} of ${path} ${problem.message}`,
  }));
}

/** What a state says of a table under all its names. */
export function landingsOfState(
  state: DeltaState,
  table: LakeTable,
  cursor: CursorDocument | null,
): TableLandings {
  const columns = state.metaData?.partitionColumns ?? cursor?.partitionColumns ?? [];
  const epochOf = epochsOf(state.named, cursor, state.version);
  const column = dayColumn(columns, table.columns);
  const day = column === null ? null : { column, format: table.format };
  return {
    tableId: state.metaData?.id ?? cursor?.tableId ?? null,
    version: state.version,
    epoch: epochOf(state.version),
    partitionColumns: columns,
    landings:
      day === null
        ? new Map<TableName, ReadonlyMap<Partition, Landing>>()
        : landingsOf(state, { columns, day, tables: table.landsAs }, epochOf),
    table: wholeTable(state.changed, epochOf),
    problem: null,
  };
}

function wholeTable(change: Change | null, epochOf: (n: number) => number): Landing | null {
  return change === null ? null : deltaLanding(change, { epoch: epochOf(change.n), gone: false });
}
