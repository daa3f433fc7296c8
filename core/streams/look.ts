import type { JobOutcome } from "../../schemas/events.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { PlanStream } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Checkpoint, StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import type { ManifestSeen } from "./flink-state.ts";

/** What a runner knows of the job of an attempt. */
export interface OwnJob {
  readonly state: "pending" | "running" | JobOutcome;
  readonly endedAt: EpochMs | null;
  readonly error: string | null;
  readonly log: string | null;
}

/** What was looked at of one stream; all of it after the document was read. */
export interface StreamLook {
  /** Jobs of its GroupBy that have not ended, whoever began them. */
  readonly running: readonly { readonly jobId: string; readonly state: "pending" | "running" }[];
  /** The job of the attempt that has not ended by the document; null: it was never submitted. */
  readonly own: OwnJob | null;
  readonly manifest: ManifestSeen;
  /** The newest complete checkpoint of the Flink job that the manifest names. */
  readonly checkpoint: Checkpoint | null;
  /** Whether the checkpoint is complete from which the attempt began that the manifest names. */
  readonly originThere: boolean;
  /** What its first job waits for; null: nothing. */
  readonly waitsFor: string | null;
}

/** Everything a decision about one stream is made from. */
export interface StreamDeciding {
  /** Null: nothing is known of it yet. */
  readonly before: StreamDocument | null;
  /** Null: the plan has no such stream. */
  readonly wanted: PlanStream | null;
  readonly look: StreamLook;
  readonly now: EpochMs;
  /** Who claims: the only one that may submit what is launched. */
  readonly by: string;
  readonly settings: Pick<Settings, "deployment" | "streams" | "submitWithinMs">;
}

/** A deciding that has a document, with what was seen written into it. */
export interface StreamContext extends Omit<StreamDeciding, "before"> {
  readonly document: StreamDocument;
  /** Hash of what is wanted; null: nothing is. */
  readonly hash: string | null;
  /** The attempt that has not ended; null: there is none. */
  readonly current: StreamAttempt | null;
  /** Jobs of the stream that have not ended, whoever began them. */
  readonly live: readonly string[];
}

/** The attempt that has not ended. */
export function currentOf(attempts: readonly StreamAttempt[]): StreamAttempt | null {
  const last = attempts.at(-1) ?? null;
  return last === null || last.endedAt !== null ? null : last;
}

export function hasEnded({ state }: OwnJob): boolean {
  return state !== "pending" && state !== "running";
}
