import { parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { partitionAt } from "../core/dates.ts";
import { type DeltaState, type LiveFile, partitionKey } from "../core/delta-state.ts";
import { METRIC_COLUMNS, type MetricColumn } from "../core/job-metrics-columns.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { EpochMs, Partition } from "../schemas/ids.ts";
import { JobMetric } from "../schemas/job-metrics.ts";
import { withDeltaTable } from "./delta-table.ts";
import { commitDecided, type DeltaWrite } from "./delta-writer.ts";

/** Column of the day an attempt ended on. */
const dayColumn = "ds";

/** The Delta table of finished attempts, as its appender knows it. */
export interface JobMetricsTable {
  /**
   * Appends those rows that the table has not, in one commit; answers them. A row is known by its
   * `jobId`, and always lies in the partition of its own day: what a commit follows tells whether
   * it is there, so no row is there twice, however often, and by however many, it is appended.
   */
  append(rows: readonly JobMetric[], at: EpochMs): Promise<readonly JobMetric[]>;
}

/** Files read at once. */
const readsMax = 16;
/** Job ids kept in memory, over all data files. */
const idsMax = 200_000;

/** `newId` names data files and a table that is made; random UUIDs when left out. */
export function jobMetricsTable(
  store: ObjectStore,
  path: string,
  { newId }: Pick<DeltaWrite, "newId"> = {},
): JobMetricsTable {
  const fields = METRIC_COLUMNS.map(({ name, type }) => ({ name, type }));
  const target = { path, partitionColumn: dayColumn, fields };
  const idsIn = jobIds(store, path);
  return {
    async append(rows, at) {
      let fresh: readonly JobMetric[] = [];
      if (rows.length === 0) return fresh;
      await commitDecided(store, target, async (state) => {
        fresh = await missing(state, rows, idsIn);
        const days = byDay(fresh);
        if (days.size === 0) return null;
        return {
          partitions: [...days].map(([partition, of]) => ({ partition, rows: of.length })),
          mode: "append",
          operation: "WRITE",
          engineInfo: "landfall",
          dataFile: (_, partition) => dataFileOf(days.get(partition) ?? []),
          ...(newId === undefined ? {} : { newId }),
          at,
        };
      });
      return fresh;
    },
  };
}

function dayOf({ endedAt }: JobMetric): Partition {
  return partitionAt(endedAt);
}

function byDay(rows: readonly JobMetric[]): Map<Partition, JobMetric[]> {
  const days = new Map<Partition, JobMetric[]>();
  for (const row of rows) {
    const day = dayOf(row);
    const known = days.get(day);
    if (known === undefined) days.set(day, [row]);
    else known.push(row);
  }
  return days;
}

/** Rows that no data file of their days has. */
async function missing(
  state: DeltaState,
  rows: readonly JobMetric[],
  idsIn: (file: LiveFile) => Promise<ReadonlySet<string>>,
): Promise<readonly JobMetric[]> {
  const left = new Map(rows.map((row) => [row.jobId, row]));
  const files = [...byDay(rows).keys()].flatMap((day) => filesOf(state, day));
  for (let at = 0; at < files.length; at += readsMax) {
    for (const ids of await Promise.all(files.slice(at, at + readsMax).map(idsIn))) {
      for (const id of ids) left.delete(id);
    }
  }
  return [...left.values()];
}

function filesOf({ partitions }: DeltaState, day: Partition): readonly LiveFile[] {
  return [...(partitions.get(partitionKey({ [dayColumn]: day }))?.live.values() ?? [])];
}

/** The job ids of a data file, read once as long as there is room: such a file never changes. */
function jobIds(store: ObjectStore, path: string): (file: LiveFile) => Promise<Set<string>> {
  const known = new Map<string, Set<string>>();
  let held = 0;
  return async (file) => {
    const found = known.get(file.path);
    if (found !== undefined) return found;
    const rows = await rowsIn(store, `${path}/${decodeURI(file.path)}`, ["job_id"]);
    const ids = new Set(rows.map(({ job_id: id }) => String(id)));
    known.set(file.path, ids);
    held += ids.size;
    for (const [oldest, { size }] of known) {
      if (held <= idsMax || oldest === file.path) break;
      known.delete(oldest);
      held -= size;
    }
    return ids;
  };
}

async function rowsIn(
  store: ObjectStore,
  name: string,
  columns: string[],
): Promise<Record<string, unknown>[]> {
  const object = await store.read(name);
  if (object === null) return [];
  const file = new Uint8Array(object.bytes).buffer;
  const metadata = await parquetMetadataAsync(file);
  return parquetReadObjects({ file, metadata, compressors, columns });
}

/** Rows of attempts that ended on `since` or later, in no particular order. */
export async function readJobMetrics(
  store: ObjectStore,
  path: string,
  since: Partition,
): Promise<JobMetric[]> {
  const files = await withDeltaTable(store, path, ({ state }) =>
    [...state.partitions.values()].flatMap(({ values, live }) =>
      (values[dayColumn] ?? "") >= since ? [...live.values()] : [],
    ),
  );
  const names = METRIC_COLUMNS.map(({ name }) => name);
  const rows: JobMetric[] = [];
  for (let at = 0; at < files.length; at += readsMax) {
    const page = files.slice(at, at + readsMax);
    const read = page.map((file) => rowsIn(store, `${path}/${decodeURI(file.path)}`, names));
    for (const found of await Promise.all(read)) rows.push(...found.map(metricOf));
  }
  return rows;
}

function metricOf(row: Record<string, unknown>): JobMetric {
  const fields = METRIC_COLUMNS.map(({ name, of }) => [of, plain(row[name])]);
  return JobMetric.parse(Object.fromEntries(fields));
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return value instanceof Date ? value.getTime() : (value ?? null);
}

const PARQUET: Readonly<Record<MetricColumn["type"], Partial<SchemaElement>>> = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  integer: { type: "INT32" },
  long: { type: "INT64" },
  double: { type: "DOUBLE" },
  timestamp: {
    type: "INT64",
    converted_type: "TIMESTAMP_MICROS",
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  },
};

function dataFileOf(rows: readonly JobMetric[]): Uint8Array {
  const columnData = METRIC_COLUMNS.map(({ name, of, type }) => ({
    name,
    data: rows.map((row) => stored(row[of], type)),
  }));
  const schema: SchemaElement[] = [
    { name: "root", num_children: METRIC_COLUMNS.length },
    ...METRIC_COLUMNS.map(
      ({ name, type }): SchemaElement => ({ name, repetition_type: "OPTIONAL", ...PARQUET[type] }),
    ),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: "SNAPPY" }));
}

function stored(value: JobMetric[keyof JobMetric], type: MetricColumn["type"]): unknown {
  if (typeof value !== "number") return value ?? undefined;
  if (type === "timestamp") return new Date(value);
  return type === "long" ? BigInt(Math.round(value)) : value;
}
