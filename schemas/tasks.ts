import { z } from "zod";
import { JobOutcome, JobUsage } from "./events.ts";
import { EpochMs, Partition, StepId, TableName, TaskId } from "./ids.ts";
import { Version } from "./landings.ts";

const Attempted = {
  run: z.number().int().min(1),
  attempt: z.number().int().min(1),
  jobId: z.string(),
};

/** Where a task stands. What each state means is the `STATUS` table in `core/status.ts`. */
export const TaskState = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("waiting"),
    /** As in `ready`; left out: the first run, because its inputs are complete. */
    because: z.string().nullable().exactOptional(),
  }),
  z.object({
    kind: z.literal("ready"),
    since: EpochMs,
    /** Why a new run is wanted; null: the run that failed an attempt goes on. */
    because: z.string().nullable(),
    /** How much longer it counts as having waited; left out: not at all. */
    headStartMs: z.number().int().min(1).exactOptional(),
  }),
  z.object({
    kind: z.literal("launching"),
    ...Attempted,
    /** The one dispatcher that may submit this attempt, from when on, and until when. */
    by: z.string(),
    /** Its turn among the submissions of its lanes; left out: at once. */
    notBefore: EpochMs.exactOptional(),
    submitBy: EpochMs,
  }),
  z.object({ kind: z.literal("running"), ...Attempted, timeoutAt: EpochMs }),
  z.object({
    kind: z.literal("cancelling"),
    ...Attempted,
    /** `retired`: its step left the plan before its job was known to be submitted. */
    reason: z.enum(["timed-out", "command", "retired"]),
    since: EpochMs,
  }),
  z.object({
    kind: z.literal("retrying"),
    run: z.number().int().min(1),
    notBefore: EpochMs,
  }),
  z.object({
    kind: z.literal("succeeded"),
    run: z.number().int().min(1),
    at: EpochMs,
    remark: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("failed"),
    run: z.number().int().min(1),
    at: EpochMs,
    reason: z.string(),
  }),
  z.object({ kind: z.literal("cancelled"), run: z.number().int().min(1), at: EpochMs }),
  z.object({
    kind: z.literal("covered"),
    by: TaskId,
    /** As in `waiting`: why it runs once the range has not done it. */
    because: z.string().nullable().exactOptional(),
  }),
  z.object({ kind: z.literal("skipped"), because: z.string(), at: EpochMs }),
]);
export type TaskState = Readonly<z.infer<typeof TaskState>>;
export type TaskStateKind = TaskState["kind"];

/** One job of a run. */
export const Attempt = z.object({
  attempt: z.number().int().min(1),
  jobId: z.string(),
  claimedAt: EpochMs,
  startedAt: EpochMs.nullable(),
  endedAt: EpochMs.nullable(),
  outcome: JobOutcome.nullable(),
  blame: z.enum(["job", "infrastructure"]).nullable(),
  error: z.string().nullable(),
  log: z.string().nullable(),
  /** As its end was reported; left out where nobody counts it, and before it ended. */
  usage: JobUsage.exactOptional(),
});
export type Attempt = Readonly<z.infer<typeof Attempt>>;

/** One time a task was done, with as many attempts as it needed. */
export const Run = z.object({
  run: z.number().int().min(1),
  /** Why there is this run: "inputs complete", "data.events@2025-09-30 landed again", … */
  because: z.string(),
  at: EpochMs,
  attempts: z.array(Attempt),
});
export type Run = Readonly<z.infer<typeof Run>>;

/** Collection `tasks`, id `{step}@{partition or start..end}`: a step for a partition or a range. */
export const Task = z.object({
  schema: z.literal(1),
  id: TaskId,
  step: StepId,
  config: z.string(),
  mode: z.string(),
  team: z.string(),
  pipeline: z.string(),
  start: Partition,
  end: Partition,
  bornAt: EpochMs,
  state: TaskState,
  /** One line in plain words: what it waits for, or what came of it. */
  why: z.string(),
  /** When to look at it again although nothing happened; null: only events move it. */
  wakeAt: EpochMs.nullable(),
  /** The pool or lane it waits for while `ready`; null otherwise. */
  queuedFor: z.string().nullable(),
  /** The last commands that asked something of it. */
  requestedBy: z.array(z.string()),
  /** What its live attempt holds, whatever became of its step since. */
  held: z.object({ pools: z.array(z.string()), output: TableName.nullable() }).exactOptional(),
  /** Newest runs last; at most ten are kept. */
  runs: z.array(Run),
  /** Versions of the input partitions as they were at the latest claim (`epoch.n`). */
  reads: z.record(TableName, z.record(Partition, z.string())),
  /**
   * Hash of the conf its latest attempt was claimed for, where the conf itself is what is read: once it
   * succeeded, this is what lies in the online store.
   */
  conf: z.string().exactOptional(),
  /**
   * Versions of the output partitions just before the latest attempt was claimed, of a step that
   * only fills just before its run was; null: not there.
   */
  before: z.record(Partition, Version.nullable()),
});
export type Task = Readonly<z.infer<typeof Task>>;

/**
 * Collection `pools`, id `{name}`: who holds the slots of a limited kind of job; or, `lane:{name}`,
 * when the next job may be submitted where submissions are limited.
 */
export const PoolDocument = z.object({
  schema: z.literal(1),
  name: z.string(),
  /** Jobs at once; of a lane, submissions a minute. */
  limit: z.number().positive(),
  /** Of a lane: its next free turn. */
  nextAt: EpochMs.exactOptional(),
  /** Task → id of the job that holds a slot for it. */
  holders: z.record(TaskId, z.string()),
});
export type PoolDocument = Readonly<z.infer<typeof PoolDocument>>;

/** Collection `schedules`, id `{step}`: the newest partition whose time has come. */
export const ScheduleDocument = z.object({
  schema: z.literal(1),
  step: StepId,
  cursor: Partition,
});
export type ScheduleDocument = Readonly<z.infer<typeof ScheduleDocument>>;
