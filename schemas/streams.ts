import { z } from "zod";
import { JobOutcome } from "./events.ts";
import { EpochMs, TaskId } from "./ids.ts";

/** A complete checkpoint of Flink: its `_metadata` is there. */
export const Checkpoint = z.object({
  /** `checkpoints/{Flink job}/chk-{n}`, below the place of Flink's state. */
  path: z.string(),
  n: z.number().int().min(0),
  /** When it was completed. */
  at: EpochMs,
});
export type Checkpoint = Readonly<z.infer<typeof Checkpoint>>;

/** A job that keeps a stream running, as it was claimed and as it came out. */
export const StreamAttempt = z.object({
  attempt: z.number().int().min(1),
  jobId: z.string(),
  /** What runners know the job by: its step, and the day it was claimed on. */
  task: TaskId,
  because: z.string(),
  claimedAt: EpochMs,
  /** Hash of what was wanted when it was claimed: only a plan that wants the same may submit it. */
  wanted: z.string(),
  /** Where it goes on from; null: it begins anew. */
  from: Checkpoint.nullable(),
  /** When it was first known to be submitted. */
  submittedAt: EpochMs.nullable(),
  /** When Flink's manifest was first seen to name it. */
  confirmedAt: EpochMs.nullable(),
  /** When it was last seen to run with a young checkpoint. */
  healthyAt: EpochMs.nullable(),
  endedAt: EpochMs.nullable(),
  /** `refused`: by the runner; `not-submitted`: another conf was wanted before it was. */
  outcome: z.enum([...JobOutcome.options, "refused", "not-submitted"]).nullable(),
  /** Landfall asked it to end. */
  asked: z.boolean(),
  error: z.string().nullable(),
  log: z.string().nullable(),
});
export type StreamAttempt = Readonly<z.infer<typeof StreamAttempt>>;

/** Where a stream stands. */
export const StreamState = z.discriminatedUnion("kind", [
  /** Its first job cannot run yet. */
  z.object({ kind: z.literal("waiting") }),
  z.object({ kind: z.literal("backing-off"), notBefore: EpochMs }),
  /** Claimed: only `by` submits the job, and not after `submitBy`. */
  z.object({
    kind: z.literal("launching"),
    jobId: z.string(),
    by: z.string(),
    submitBy: EpochMs,
  }),
  /** Submitted, and not seen healthy yet. */
  z.object({ kind: z.literal("starting"), jobId: z.string() }),
  z.object({ kind: z.literal("running"), jobId: z.string(), since: EpochMs }),
  z.object({ kind: z.literal("unhealthy"), jobId: z.string(), since: EpochMs }),
  z.object({ kind: z.literal("cancelling"), jobIds: z.array(z.string()), because: z.string() }),
  /** Nothing is begun: somebody stopped it, or it is not known where it would go on from. */
  z.object({ kind: z.literal("held"), reason: z.enum(["stopped", "state-lost"]), since: EpochMs }),
  /** Its config left the plan. */
  z.object({ kind: z.literal("gone"), since: EpochMs }),
]);
export type StreamState = Readonly<z.infer<typeof StreamState>>;

/** What can be wrong with a stream; each is an alert of that kind. */
export const StreamTroubleKind = z.enum([
  "stream-down",
  "stream-flapping",
  "stream-duplicated",
  "stream-state-lost",
]);
export type StreamTroubleKind = z.infer<typeof StreamTroubleKind>;

export const StreamTrouble = z.object({
  kind: StreamTroubleKind,
  sentence: z.string(),
  since: EpochMs,
});
export type StreamTrouble = Readonly<z.infer<typeof StreamTrouble>>;

/** Flink's note of which of its jobs keeps a stream, and which job of the cluster that is. */
export const Manifest = z.object({ flinkJobId: z.string(), parentJobId: z.string() });
export type Manifest = Readonly<z.infer<typeof Manifest>>;

/** Collection `streams`, id `{config}`: what is wanted of a GroupBy's stream, and what was seen. */
export const StreamDocument = z.object({
  schema: z.literal(1),
  config: z.string(),
  team: z.string(),
  /** Part of its job ids. */
  bornAt: EpochMs,
  /** Null: its config left the plan. */
  wanted: z.object({ hash: z.string(), topic: z.string(), conf: z.string() }).nullable(),
  state: StreamState,
  /** One line in plain words. */
  why: z.string(),
  /** As it was when a look last found anything new. */
  seen: z.object({
    at: EpochMs,
    /** Jobs that have not ended, whoever began them. */
    jobIds: z.array(z.string()),
    manifest: Manifest.nullable(),
  }),
  /** The newest complete checkpoint that was ever seen. */
  checkpoint: Checkpoint.nullable(),
  /** Newest last, at most twenty. */
  attempts: z.array(StreamAttempt),
  troubles: z.array(StreamTrouble),
  /** What somebody asked for that is not done yet. */
  asked: z
    .object({
      command: z.string(),
      by: z.string(),
      does: z.enum(["deploy", "deploy-without-state", "stop"]),
    })
    .nullable(),
});
export type StreamDocument = Readonly<z.infer<typeof StreamDocument>>;

/** Collection `streaming`, id `all`: whose documents there are in `streams`. */
export const StreamingDocument = z.object({
  schema: z.literal(1),
  configs: z.array(z.string()),
});
export type StreamingDocument = Readonly<z.infer<typeof StreamingDocument>>;
