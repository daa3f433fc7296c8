import { z } from "zod";
import { EpochMs, Partition, TableName, TaskId } from "./ids.ts";

/**
 * How new what is seen of a partition is. `n` is the Delta commit number, the object's generation
 * or a cell's timestamp; `epoch` grows when the table was recreated (`metaData.id` changed).
 * Compared by `epoch`, then `n`.
 */
export const Version = z.object({ epoch: z.number().int().min(0), n: z.number().int().min(0) });
export type Version = Readonly<z.infer<typeof Version>>;

/** Whose word a landing is. */
export const SeenBy = z.enum(["delta", "marker", "manual", "job"]);
export type SeenBy = z.infer<typeof SeenBy>;

/** What is known of one partition. `gone` is an entry with a version, never an absence. */
export const Landing = z.object({
  state: z.enum(["landed", "gone"]),
  version: Version,
  /** Rows added by the commit of `version`, where its `stats` say so. */
  rows: z.number().int().min(0).optional(),
  /** Bytes added by the commit of `version`. */
  bytes: z.number().int().min(0).optional(),
  /** When the commit was made, as its writer says, else when it was seen. */
  at: EpochMs,
  seenBy: SeenBy,
});
export type Landing = Readonly<z.infer<typeof Landing>>;

/** Partitions of a table that a task writes or waits for. */
export const Writer = z.object({
  start: Partition,
  end: Partition,
});
export type Writer = Readonly<z.infer<typeof Writer>>;

/** Collection `landings`, id `{table}@{yyyy-MM}`: one table's partitions of one month. */
export const LandingsDocument = z.object({
  schema: z.literal(1),
  table: TableName,
  month: z.string().regex(/^\d{4}-\d\d$/),
  partitions: z.record(Partition, Landing),
  /** Range tasks that are writing partitions of this month now. */
  writers: z.record(TaskId, Writer),
  /** Tasks that only a command asked for and that wait for partitions of this month. */
  waiters: z.record(TaskId, Writer).exactOptional(),
});
export type LandingsDocument = Readonly<z.infer<typeof LandingsDocument>>;

/** Collection `tables`, id `{table}`: what must be known of a table beyond one month. */
export const TableDocument = z.object({
  schema: z.literal(1),
  table: TableName,
  /**
   * The earliest partition ever seen; left out: none was. Windows that reach further back do not
   * wait for more.
   */
  first: Partition.exactOptional(),
  /** Of a Delta table that was made anew: where versions of its log begin; lower ones are gone. */
  epoch: z.number().int().min(1).exactOptional(),
  /** Of a table without partitions: the newest version of the whole that was seen. */
  newest: Version.exactOptional(),
});
export type TableDocument = Readonly<z.infer<typeof TableDocument>>;
