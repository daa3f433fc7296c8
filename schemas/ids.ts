import { z } from "zod";

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const EpochMs = z.number().int();
export type EpochMs = z.infer<typeof EpochMs>;

/**
 * A day of a table, `yyyy-MM-dd`, holding [00:00, 24:00) UTC. The one spelling used inside
 * Landfall; other formats of a lake are translated where they are read.
 */
export const Partition = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, {
  message: "a partition is a day written yyyy-MM-dd, for example 2025-09-30",
});
export type Partition = z.infer<typeof Partition>;

/** `db.table`, or `db.table/hr=00:00` for a fixed sub-partition of it, as Chronon sources write it. */
export const TableName = z.string().min(1).max(500);
export type TableName = z.infer<typeof TableName>;

/** `<metaData.name>/<mode>`, the mode named as the zipline CLI names it. */
export const StepId = z.string().min(3).max(700);
export type StepId = z.infer<typeof StepId>;

/** `{step}@{partition}` or `{step}@{start}..{end}`. */
export const TaskId = z.string().regex(/^.+\/[a-z-]+@\d{4}-\d\d-\d\d(\.\.\d{4}-\d\d-\d\d)?$/, {
  message: "a task is <config>/<mode>@<yyyy-MM-dd> or <config>/<mode>@<start>..<end>",
});
export type TaskId = z.infer<typeof TaskId>;

/** An inclusive range of partitions. */
export const PartitionRange = z.object({ start: Partition, end: Partition });
export type PartitionRange = Readonly<z.infer<typeof PartitionRange>>;

/** The id of the task that does `step` for `range`. */
export function taskId(step: StepId, range: PartitionRange): TaskId {
  return range.start === range.end
    ? `${step}@${range.start}`
    : `${step}@${range.start}..${range.end}`;
}

/** The step and range a task id names. The id must be one that `taskId` made. */
export function parseTaskId(id: TaskId): { step: StepId; range: PartitionRange } {
  const at = id.lastIndexOf("@");
  const [start = "", end = start] = id.slice(at + 1).split("..");
  return { step: id.slice(0, at), range: { start, end } };
}
