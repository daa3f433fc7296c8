import type { Partition, TableName } from "../schemas/ids.ts";
import type { PlanTable } from "../schemas/plan.ts";
import { isPartition } from "./dates.ts";
import type { DeltaCommit, DeltaFile, PartitionColumn } from "./delta.ts";
import { memo } from "./memo.ts";

/** The names under which the partitions of one Delta table land. */
export interface LandingTable {
  readonly name: TableName;
  /** Fixed values of other partition columns: `{ hr: "00:00" }` of `db.table/hr=00:00`. */
  readonly fixed: Readonly<Record<string, string>>;
}

/** What must be known of a Delta table to read days out of its partition values. */
export interface DayColumn {
  readonly column: PartitionColumn;
  readonly format: PlanTable["partitionFormat"];
}

/** What one commit did to one partition. */
export interface Touched {
  readonly table: TableName;
  readonly partition: Partition;
  /** Files added; none: rows were only taken away, and the partition may be gone. */
  readonly adds: number;
  /** Rows added; null when a file does not say. */
  readonly rows: number | null;
  readonly bytes: number | null;
}

export interface TouchedPartitions {
  readonly touched: readonly Touched[];
  /** Values of the day column that are no day: null, `__HIVE_DEFAULT_PARTITION__`, hours. */
  readonly notDays: readonly string[];
}

/** A partition column of a table by its logical name, in any case of letters as Spark does. */
export function findColumn(
  columns: readonly PartitionColumn[],
  name: string,
): PartitionColumn | null {
  const lower = name.toLowerCase();
  return (
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.toLowerCase() === lower) ??
    null
  );
}

/** The column that holds the day: the first of `names` that the table is partitioned by. */
export function dayColumn(
  columns: readonly PartitionColumn[],
  names: readonly string[],
): PartitionColumn | null {
  for (const name of names) {
    const found = findColumn(columns, name);
    if (found !== null) return found;
  }
  return null;
}

const midnight = /^(\d{4}-\d\d-\d\d)[ T]00:00:00(?:\.0+)?Z?$/;
const compact = /^(\d{4})(\d\d)(\d\d)$/;

/**
 * The day a partition value names, or null. Values are unescaped texts of the column's type: a
 * date, a timestamp at midnight, or the table's own format (Delta: Partition Value Serialization).
 */
export function dayOfValue(
  value: string | null | undefined,
  format: PlanTable["partitionFormat"],
): Partition | null {
  if (value == null) return null;
  return (format === "yyyyMMdd" ? dayOfPacked(value) : dayOfDashed(value)) || null;
}

/** Distinct values a process is expected to meet. */
const rememberedValues = 20_000;

/** Empty when the value is no day. */
const dayOfDashed = memo(rememberedValues, (value) => {
  const day = midnight.exec(value)?.[1] ?? value;
  return isPartition(day) ? day : "";
});

const dayOfPacked = memo(rememberedValues, (value) =>
  dayOfDashed(compact.exec(value)?.slice(1, 4).join("-") ?? value),
);

/** A day as the table spells it in `partitionValues`. */
export function valueOfDay(partition: Partition, format: PlanTable["partitionFormat"]): string {
  return format === "yyyyMMdd" ? partition.replaceAll("-", "") : partition;
}

/** A value of a column out of `partitionValues`, which are keyed by physical name. */
export function valueOf(
  values: Readonly<Record<string, string | null>>,
  column: PartitionColumn,
): string | null {
  if (Object.hasOwn(values, column.physicalName)) return values[column.physicalName] ?? null;
  return Object.hasOwn(values, column.name) ? (values[column.name] ?? null) : null;
}

/** Whether a file of the table belongs to the table of a fixed sub-partition. */
export function belongs(
  values: Readonly<Record<string, string | null>>,
  table: LandingTable,
  columns: readonly PartitionColumn[],
): boolean {
  return Object.entries(table.fixed).every(([name, fixed]) => {
    const column = findColumn(columns, name);
    return column !== null && valueOf(values, column) === fixed;
  });
}

/** Where the partitions of a Delta table are read from and under which names they land. */
export interface PartitionReading {
  readonly columns: readonly PartitionColumn[];
  readonly day: DayColumn;
  readonly tables: readonly LandingTable[];
}

/**
 * The partitions whose rows a commit changed, per table they land under. Rearranged files
 * (`dataChange: false`) change none. A value that is no day is told once.
 */
export function touchedPartitions(
  commit: Pick<DeltaCommit, "files">,
  reading: PartitionReading,
): TouchedPartitions {
  const touched = new Map<string, Touched>();
  const notDays = new Set<string>();
  for (const file of commit.files) {
    if (!file.dataChange || file.partitionValues === null) continue;
    const value = valueOf(file.partitionValues, reading.day.column);
    const partition = dayOfValue(value, reading.day.format);
    if (partition === null) {
      notDays.add(value ?? "null");
      continue;
    }
    for (const table of reading.tables) {
      if (!belongs(file.partitionValues, table, reading.columns)) continue;
      const key = `${table.name}@${partition}`;
      touched.set(key, merged(touched.get(key) ?? fresh(table.name, partition), file));
    }
  }
  return { touched: [...touched.values()], notDays: [...notDays] };
}

function fresh(table: TableName, partition: Partition): Touched {
  return { table, partition, adds: 0, rows: 0, bytes: 0 };
}

function merged(before: Touched, file: DeltaFile): Touched {
  if (file.kind === "remove") return before;
  return {
    ...before,
    adds: before.adds + 1,
    rows: before.rows === null || file.rows === null ? null : before.rows + file.rows,
    bytes: before.bytes === null || file.bytes === null ? null : before.bytes + file.bytes,
  };
}
