import { z } from "zod";
import {
  BackfillRequested,
  MetadataDelete,
  StreamDeploy,
  StreamStop,
  TaskCancel,
  TaskRetry,
} from "./commands.ts";
import { EpochMs, Partition, TableName, TaskId } from "./ids.ts";
import { Landing } from "./landings.ts";

/**
 * A partition was seen. Published by the watcher, by a job's verification, by an operator or by a
 * foreign system that has no object notifications.
 */
export const PartitionLanded = z.object({
  kind: z.literal("partition-landed"),
  schema: z.literal(1),
  table: TableName,
  partition: Partition,
  landing: Landing,
  /**
   * True when this was learnt by reading a table that is new to the plan: it was there before
   * Landfall looked, so it reaches only the newest task of each dependent step.
   */
  backlog: z.boolean().default(false),
});
export type PartitionLanded = Readonly<z.infer<typeof PartitionLanded>>;

/**
 * A Delta table was made anew: its log begins again, under another `metaData.id` or shorter. What
 * its former log had landed is gone, also what is told late.
 */
export const TableRecreated = z.object({
  kind: z.literal("table-recreated"),
  schema: z.literal(1),
  table: TableName,
  /** Versions of the new log begin with this epoch. */
  epoch: z.number().int().min(1),
});
export type TableRecreated = Readonly<z.infer<typeof TableRecreated>>;

/** One partition of a step's output as the tracker found it after the job ended. */
export const OutputSeen = z.object({
  table: TableName,
  partition: Partition,
  /** Null when the partition is not there. */
  landing: Landing.nullable(),
});
export type OutputSeen = Readonly<z.infer<typeof OutputSeen>>;

/** How a job ended. `vanished`: the runner does not know it any more. */
export const JobOutcome = z.enum(["succeeded", "failed", "cancelled", "vanished", "timed-out"]);
export type JobOutcome = z.infer<typeof JobOutcome>;

/** What a job used, in the units its world counts in; for its cost. */
export const JobUsage = z.object({
  /** YARN's count of cores, and of memory, times seconds. */
  vcoreSeconds: z.number().min(0).exactOptional(),
  memoryMbSeconds: z.number().min(0).exactOptional(),
  /** Dataproc Serverless' count of compute units times seconds, in thousandths. */
  milliDcuSeconds: z.number().min(0).exactOptional(),
  shuffleStorageGbSeconds: z.number().min(0).exactOptional(),
});
export type JobUsage = Readonly<z.infer<typeof JobUsage>>;

/** A job was seen terminal, and what it wrote was looked at. Published by the tracker. */
export const JobSettled = z.object({
  kind: z.literal("job-settled"),
  schema: z.literal(1),
  task: TaskId,
  run: z.number().int().min(1),
  attempt: z.number().int().min(1),
  jobId: z.string(),
  outcome: JobOutcome,
  /** Whether the job itself failed, or the ground under it; they are retried differently. */
  blame: z.enum(["job", "infrastructure"]),
  startedAt: EpochMs.nullable(),
  endedAt: EpochMs,
  /** One sentence for an operator. */
  error: z.string().nullable(),
  /** Where the whole output can be read. */
  log: z.string().nullable(),
  /** Left out where nobody counts it. */
  usage: JobUsage.exactOptional(),
  outputs: z.array(OutputSeen),
  /** Nobody looked at what it wrote: its step was not in the plan when the job had ended. */
  unseen: z.literal(true).exactOptional(),
});
export type JobSettled = Readonly<z.infer<typeof JobSettled>>;

/** A complete release of configs was written. */
export const ConfigsReleased = z.object({
  kind: z.literal("configs-released"),
  schema: z.literal(1),
  /** Content hash of the release; its manifest is the object `releases/{release}.json`. */
  release: z.string(),
});
export type ConfigsReleased = Readonly<z.infer<typeof ConfigsReleased>>;

/** Time has passed. Doubled ticks do nothing, missed ones are caught up by the next. */
export const Tick = z.object({ kind: z.literal("tick"), schema: z.literal(1), at: EpochMs });
export type Tick = Readonly<z.infer<typeof Tick>>;

/** Everything that crosses the bus. */
export const LandfallEvent = z.discriminatedUnion("kind", [
  PartitionLanded,
  TableRecreated,
  JobSettled,
  ConfigsReleased,
  Tick,
  BackfillRequested,
  TaskRetry,
  TaskCancel,
  StreamDeploy,
  StreamStop,
  MetadataDelete,
]);
export type LandfallEvent = z.infer<typeof LandfallEvent>;
