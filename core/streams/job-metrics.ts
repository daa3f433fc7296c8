import type { JobOutcome } from "../../schemas/events.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import type { JobMetric } from "../../schemas/job-metrics.ts";
import type { StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import { blamedBy } from "../blame.ts";
import { failureOf } from "../failure.ts";
import { endedByItself } from "./restarts.ts";

/**
 * A row for every finished attempt that the stream still holds. Its range is the day it was claimed
 * on; of what it used no runner tells.
 */
export function streamMetrics(stream: StreamDocument, deployment: string): JobMetric[] {
  return stream.attempts.flatMap((attempt) => {
    const { endedAt } = attempt;
    return endedAt === null ? [] : [rowOf({ stream, attempt, endedAt }, deployment)];
  });
}

interface Finished {
  readonly stream: StreamDocument;
  readonly attempt: StreamAttempt;
  readonly endedAt: number;
}

function rowOf({ stream, attempt, endedAt }: Finished, deployment: string): JobMetric {
  const { config, team } = stream;
  const { jobId, task, claimedAt, submittedAt: startedAt, outcome, log } = attempt;
  const { step, range } = parseTaskId(task);
  const blame = endedByItself(attempt) ? blameOf(attempt) : null;
  const error = blame === null ? attempt.error : errorOf(attempt);
  const failure =
    blame === null
      ? null
      : failureOf({ outcome: ended(attempt), blame, error }, [task, step, config]);
  return {
    jobId,
    deployment,
    pipeline: `chronon_gb_streaming_${team}`,
    team,
    config,
    step,
    jobType: "streaming",
    ...range,
    days: 1,
    run: 1,
    attempt: attempt.attempt,
    state: blame === null ? "cancelled" : "failed",
    outcome,
    blame,
    errorClass: failure?.errorClass ?? null,
    fingerprint: failure?.fingerprint ?? null,
    error,
    claimedAt,
    startedAt,
    endedAt,
    durationMs: startedAt === null ? null : Math.max(0, endedAt - startedAt),
    vcoreSeconds: null,
    memoryMbSeconds: null,
    milliDcuSeconds: null,
    shuffleStorageGbSeconds: null,
    cost: null,
    currency: null,
    log,
  };
}

function ended({ outcome }: StreamAttempt): JobOutcome | null {
  return outcome === "refused" || outcome === "not-submitted" ? null : outcome;
}

function errorOf({ outcome, error }: StreamAttempt): string | null {
  if (outcome === "refused") return `refused: ${error ?? ""}`;
  return outcome === "succeeded" ? "its job ended, and a stream does not" : error;
}

/** Of an end nobody asked for: a stream has none, however its job exited. */
function blameOf({ outcome, error }: StreamAttempt): "job" | "infrastructure" {
  return outcome === "vanished" ? "infrastructure" : (blamedBy(error ?? "")?.blame ?? "job");
}
