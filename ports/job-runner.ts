import type { Observable } from "rxjs";
import type { JobOutcome, JobUsage } from "../schemas/events.ts";
import type { EpochMs, PartitionRange, TableName, TaskId } from "../schemas/ids.ts";
import type { Lane } from "../schemas/lane.ts";
import type { ConfType, Execution, OutputEffect, PlanStep } from "../schemas/plan.ts";
import type { Trace } from "../schemas/trace.ts";

/** Everything a runner needs to start one attempt of one task. */
export interface JobSpec {
  /** Derived from task, run and attempt: the same attempt is the same job. `[a-z0-9-]{1,63}`. */
  readonly jobId: string;
  readonly task: TaskId;
  readonly run: number;
  readonly attempt: number;
  readonly config: string;
  readonly confType: ConfType;
  readonly team: string;
  readonly mode: string;
  readonly range: PartitionRange;
  /** Name of the compiled conf in the configs store, by content hash: `confs/{hash}/{file}`. */
  readonly conf: string;
  /** The conf's path in its release, for whoever reads its type and team from that. */
  readonly confPath: string;
  readonly env: Readonly<Record<string, string>>;
  /** How the conf wants it run by a cluster; runners without clusters do not look at it. */
  readonly execution: Execution;
  readonly output: {
    readonly table: TableName;
    readonly column: string;
    readonly effect: OutputEffect;
  } | null;
  /** What it reads: the input range of its own range, null for all there is. Days may be missing. */
  readonly inputs: readonly { readonly table: TableName; readonly range: PartitionRange | null }[];
  readonly stepDays: number;
  readonly timeoutMs: number;
  /** Where a stream goes on from; a stream without one begins anew. */
  readonly savepoint?: string;
  /** The trace of what caused it: no part of what the job is, and not every runner keeps it. */
  readonly trace?: Trace;
}

/** What a runner knows of a job now. */
export interface JobStatus {
  readonly jobId: string;
  readonly task: TaskId;
  readonly run: number;
  readonly attempt: number;
  /** `timed-out`: the runner ended it because it ran longer than its `timeoutMs`. */
  readonly state: "pending" | "running" | JobOutcome;
  readonly startedAt: EpochMs | null;
  readonly endedAt: EpochMs | null;
  /** One sentence for an operator when it did not succeed. */
  readonly error: string | null;
  /** Whose fault a failure is. */
  readonly blame: "job" | "infrastructure";
  /** Where its whole output can be read. */
  readonly log: string | null;
  /** What it used, told with its end where the world counts that. */
  readonly usage?: JobUsage;
  /** The trace it was submitted in, where the runner keeps that. */
  readonly trace?: Trace;
}

/** `accepted`, or `exists` when this very job was submitted before; `refused` is final. */
export type SubmitAnswer =
  | { readonly kind: "accepted" }
  | { readonly kind: "exists" }
  | { readonly kind: "refused"; readonly reason: string };

/** A job of a stream that has not ended. */
export interface RunningStream {
  readonly jobId: string;
  /** `metaData.name` of its GroupBy. */
  readonly config: string;
  readonly state: "pending" | "running";
}

/** Looks at jobs of the mode `streaming`, of which nobody waits for the end. */
export interface StreamJobs {
  /**
   * Those that have not ended, whoever began them, this deployment or a person; one that was
   * submitted a moment ago may be missing. Throws `RetryableError`.
   */
  running(): Promise<readonly RunningStream[]>;
  /**
   * What is known of a job now, forgotten or not; null: none of that id was ever submitted here, or
   * somebody deleted it. Throws `RetryableError`.
   */
  find(jobId: string): Promise<JobStatus | null>;
}

/**
 * Runs jobs. Submitting a job id again never starts it again, whoever submits it and whatever died
 * in between. A job outlives the process that submitted it, or is reported `vanished`.
 */
export interface JobRunner {
  /**
   * Limits on submissions that jobs of a step count against, by what the runner knows without
   * asking anybody. Whoever submits keeps to them; what is above may be refused for a while.
   */
  lanes(step: PlanStep): readonly Lane[];
  /** Durable when resolved. Throws `RetryableError` when it may or may not have been taken. */
  submit(job: JobSpec): Promise<SubmitAnswer>;
  /**
   * Asks for an end; the job's terminal status follows. Ended jobs are left alone. `unknown`: no such
   * job was ever submitted, and no status will follow.
   */
  cancel(jobId: string): Promise<"asked" | "unknown">;
  /**
   * Statuses as they change, beginning with every job not yet `forget`-ten. Repeats are normal.
   * A terminal status is emitted again after a restart until it is forgotten.
   */
  statuses(): Observable<JobStatus>;
  /**
   * Looks at jobs now, where a runner otherwise looks now and then; resolves once that was tried and
   * what it saw was told to who listens to `statuses`. Never throws: it is a hint.
   */
  look(): Promise<void>;
  /** Their tasks know of the end of these jobs; they need not be emitted again. */
  forget(jobIds: readonly string[]): Promise<void>;
  /** Null: it runs no streams. */
  readonly streams: StreamJobs | null;
  /** Stops watching. Jobs keep running where the world lets them. */
  close(): Promise<void>;
}
