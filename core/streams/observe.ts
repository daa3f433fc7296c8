import type { EpochMs } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Checkpoint, StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import { flinkJobOf } from "./flink-state.ts";
import { currentOf, hasEnded, type StreamDeciding, type StreamLook } from "./look.ts";
import { restoreOf } from "./restore.ts";

/** A submitted job that a runner does not know for so long is gone. */
const vanishedMs = 60_000;

/** How far clocks of two dispatchers may be apart. */
export const skewMs = 5_000;

/** The document with what was seen: how its job stands, which checkpoint is the newest. */
export function observed(
  document: StreamDocument,
  deciding: StreamDeciding,
  hash: string | null,
): StreamDocument {
  const { look, now, settings } = deciding;
  const current = currentOf(document.attempts);
  const after =
    current === null
      ? null
      : lapsed(document, seenOf(current, { look, now, settings }), { look, now, hash });
  return {
    ...document,
    wanted: wantedOf(deciding, hash),
    seen: {
      at: now,
      jobIds: look.running.map(({ jobId }) => jobId).toSorted(),
      manifest: look.manifest.kind === "names" ? look.manifest.manifest : null,
    },
    checkpoint: newer(document.checkpoint, look.checkpoint),
    attempts: after === null ? document.attempts : [...document.attempts.slice(0, -1), after],
  };
}

function wantedOf({ wanted }: StreamDeciding, hash: string | null): StreamDocument["wanted"] {
  if (wanted === null || hash === null) return null;
  return { hash, topic: wanted.topic, conf: wanted.conf.hash };
}

function newer(before: Checkpoint | null, found: Checkpoint | null): Checkpoint | null {
  if (before === null || found === null) return found ?? before;
  return found.at >= before.at ? found : before;
}

interface Seeing {
  readonly look: StreamLook;
  readonly now: EpochMs;
  readonly settings: { readonly streams: Settings["streams"] };
}

function seenOf(attempt: StreamAttempt, seeing: Seeing): StreamAttempt {
  const { look, now } = seeing;
  const { own, manifest } = look;
  const isNamed = manifest.kind === "names" && manifest.manifest.parentJobId === attempt.jobId;
  const confirmedAt = attempt.confirmedAt ?? (isNamed ? now : null);
  if (own === null) {
    const since = attempt.submittedAt;
    const isListed = look.running.some(({ jobId }) => jobId === attempt.jobId);
    if (isListed || since === null || now - since < vanishedMs) return { ...attempt, confirmedAt };
    const error = "it is not known to the runner any more: somebody deleted it";
    return { ...attempt, confirmedAt, endedAt: now, outcome: "vanished", error };
  }
  const seen = {
    ...attempt,
    submittedAt: attempt.submittedAt ?? now,
    confirmedAt,
    log: own.log ?? attempt.log,
  };
  if (hasEnded(own)) {
    return { ...seen, endedAt: own.endedAt ?? now, outcome: outcomeOf(own), error: own.error };
  }
  const healthy = isNamed && own.state === "running" && isYoung(seeing);
  return healthy ? { ...seen, healthyAt: now } : seen;
}

function outcomeOf({ state }: NonNullable<StreamLook["own"]>): StreamAttempt["outcome"] {
  return state === "pending" || state === "running" ? null : state;
}

/** Whether the Flink job that the manifest names completed a checkpoint a short while ago. */
export function isYoung({ look, now, settings }: Seeing): boolean {
  const { checkpoint, manifest } = look;
  if (checkpoint === null || manifest.kind !== "names") return false;
  if (flinkJobOf(checkpoint) !== manifest.manifest.flinkJobId) return false;
  return now - checkpoint.at < settings.streams.checkpointMs;
}

/**
 * An attempt that was claimed and never submitted, and by now never will be, is over when another
 * one would be begun, or none: its conf is no longer wanted, somebody asked for something, another
 * job runs, or one ran meanwhile and left a newer state (S4). Else the same attempt is claimed again.
 */
function lapsed(
  document: StreamDocument,
  attempt: StreamAttempt,
  { look, now, hash }: Pick<StreamDeciding, "look" | "now"> & { readonly hash: string | null },
): StreamAttempt {
  const { state, asked } = document;
  if (state.kind !== "launching" || look.own !== null) return attempt;
  if (now < state.submitBy + skewMs) return attempt;
  const isWanted = hash === attempt.wanted && asked === null && look.running.length === 0;
  return isWanted && beginsThere(document, attempt, look)
    ? attempt
    : { ...attempt, endedAt: now, outcome: "not-submitted" };
}

/** Whether the next job would begin where the attempt was to. */
function beginsThere(document: StreamDocument, { from }: StreamAttempt, look: StreamLook): boolean {
  const checkpoint = newer(document.checkpoint, look.checkpoint);
  const restore = restoreOf({ ...document, checkpoint }, look);
  if (restore.kind === "lost") return false;
  return restore.kind === "anew" ? from === null : from?.path === restore.checkpoint.path;
}
