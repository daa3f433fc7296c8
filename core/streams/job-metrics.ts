import { parseTaskId } from "../../schemas/ids.ts";
import type { JobMetric } from "../../schemas/job-metrics.ts";
import type { StreamAttempt, StreamDocument } from "../../schemas/streams.ts";
import type { Attempt } from "../../schemas/tasks.ts";
import { blamedBy } from "../blame.ts";
import { type MetricsAbout, rowOf } from "../job-metrics.ts";
import { endedByItself } from "./restarts.ts";

/**
 * A row for every finished attempt that the stream still holds. Its range is the day it was claimed
 * on; of what it used no runner tells.
 */
export function streamMetrics(
  { config, team, attempts }: StreamDocument,
  about: MetricsAbout,
): JobMetric[] {
  return attempts.flatMap((one) => {
    const { task, endedAt } = one;
    if (endedAt === null) return [];
    const { step, range } = parseTaskId(task);
    const pipeline = `chronon_gb_streaming_${team}`;
    const of = { id: task, step, config, pipeline, team, mode: "streaming", ...range } as const;
    const state = endedByItself(one) ? "failed" : "cancelled";
    return [rowOf({ of, run: 1, attempt: asOfTask(one), endedAt, state }, about)];
  });
}

/** As the attempt of a task would be. No job of one that no runner took had an outcome. */
function asOfTask(one: StreamAttempt): Attempt {
  const { attempt, jobId, claimedAt, submittedAt: startedAt, endedAt, outcome, log } = one;
  const isFailed = endedByItself(one);
  return {
    attempt,
    jobId,
    claimedAt,
    startedAt,
    endedAt,
    outcome: outcome === "refused" || outcome === "not-submitted" ? null : outcome,
    blame: isFailed ? blameOf(one) : null,
    error: isFailed ? errorOf(one) : one.error,
    log,
  };
}

function errorOf({ outcome, error }: StreamAttempt): string | null {
  if (outcome === "refused") return `refused: ${error ?? ""}`;
  return outcome === "succeeded" ? "its job ended, and a stream does not" : error;
}

/** Of an end nobody asked for: a stream has none, however its job exited. */
function blameOf({ outcome, error }: StreamAttempt): "job" | "infrastructure" {
  return outcome === "vanished" ? "infrastructure" : (blamedBy(error ?? "")?.blame ?? "job");
}
