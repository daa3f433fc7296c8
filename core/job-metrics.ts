import type { JobUsage } from "../schemas/events.ts";
import type { JobMetric } from "../schemas/job-metrics.ts";
import type { MetricsSettings } from "../schemas/metrics-settings.ts";
import type { Attempt, Task } from "../schemas/tasks.ts";
import { daysIn } from "./dates.ts";
import { failureOf } from "./failure.ts";

/** What a row says beside its task. */
export interface MetricsAbout {
  readonly deployment: string;
  readonly settings: Pick<MetricsSettings, "prices" | "currency">;
}

/**
 * A row for every finished attempt that the task still holds. The same attempt is the same row
 * whatever became of its task since, but for prices that changed.
 */
export function jobMetrics(task: Task, about: MetricsAbout): JobMetric[] {
  return task.runs.flatMap((run) =>
    run.attempts.flatMap((attempt) => {
      const { endedAt } = attempt;
      const state = stateOf(attempt);
      return endedAt === null
        ? []
        : [rowOf({ of: task, run: run.run, attempt, endedAt, state }, about)];
    }),
  );
}

/** A finished attempt, and whose it was. */
export interface Finished {
  readonly of: Pick<
    Task,
    "id" | "step" | "config" | "pipeline" | "team" | "mode" | "start" | "end"
  >;
  readonly run: number;
  readonly attempt: Attempt;
  readonly endedAt: number;
  readonly state: JobMetric["state"];
}

export function rowOf(
  { of, run, attempt, endedAt, state }: Finished,
  { deployment, settings }: MetricsAbout,
): JobMetric {
  const names = [of.id, of.step, of.config];
  const failure = state === "failed" ? failureOf(attempt, names) : null;
  const cost = costOf(attempt.usage ?? {}, settings.prices);
  const { startedAt, usage } = attempt;
  return {
    jobId: attempt.jobId,
    deployment,
    pipeline: of.pipeline,
    team: of.team,
    config: of.config,
    step: of.step,
    jobType: of.mode,
    start: of.start,
    end: of.end,
    days: daysIn(of).length,
    run,
    attempt: attempt.attempt,
    state,
    outcome: attempt.outcome,
    blame: attempt.blame,
    errorClass: failure?.errorClass ?? null,
    fingerprint: failure?.fingerprint ?? null,
    error: attempt.error,
    claimedAt: attempt.claimedAt,
    startedAt,
    endedAt,
    durationMs: startedAt === null ? null : Math.max(0, endedAt - startedAt),
    vcoreSeconds: usage?.vcoreSeconds ?? null,
    memoryMbSeconds: usage?.memoryMbSeconds ?? null,
    milliDcuSeconds: usage?.milliDcuSeconds ?? null,
    shuffleStorageGbSeconds: usage?.shuffleStorageGbSeconds ?? null,
    cost,
    currency: cost === null ? null : settings.currency,
    log: attempt.log,
  };
}

/** Who judged it recorded a blame for every failure, and for nothing else. */
function stateOf({ blame, outcome }: Attempt): JobMetric["state"] {
  if (blame !== null) return "failed";
  return outcome === "succeeded" ? "succeeded" : "cancelled";
}

const hourS = 3_600;

/** An estimate; null where nothing that was counted has a price. */
export function costOf(usage: JobUsage, prices: MetricsSettings["prices"]): number | null {
  const counts: readonly (readonly [number | undefined, number, number | undefined])[] = [
    [usage.vcoreSeconds, hourS, prices.vcore],
    [usage.memoryMbSeconds, 1_024 * hourS, prices.memoryGb],
    [usage.milliDcuSeconds, 1_000 * hourS, prices.dcu],
    [usage.shuffleStorageGbSeconds, hourS, prices.shuffleStorageGb],
  ];
  const costs = counts.flatMap(([count, perUnit, price]) =>
    count === undefined || price === undefined ? [] : [(count / perUnit) * price],
  );
  return costs.length === 0 ? null : costs.reduce((all, each) => all + each, 0);
}
