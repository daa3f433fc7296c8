import { type JobMetric, JobMetric as Row } from "../schemas/job-metrics.ts";

/** A column of the table of finished attempts. Times are UTC. */
export interface MetricColumn {
  readonly name: string;
  readonly of: keyof JobMetric;
  readonly type: "string" | "integer" | "long" | "double" | "timestamp";
}

const TYPES: Partial<Record<keyof JobMetric, MetricColumn["type"]>> = {
  days: "integer",
  run: "integer",
  attempt: "integer",
  claimedAt: "timestamp",
  startedAt: "timestamp",
  endedAt: "timestamp",
  durationMs: "long",
  vcoreSeconds: "double",
  memoryMbSeconds: "double",
  milliDcuSeconds: "double",
  shuffleStorageGbSeconds: "double",
  cost: "double",
};

/** Columns in their order; the table has `ds` beside them, the day of `ended_at`, by which it is partitioned. */
export const METRIC_COLUMNS: readonly MetricColumn[] = Object.keys(Row.shape).map((key) => {
  const of = key as keyof JobMetric;
  return { name: inSnakeCase(of), of, type: TYPES[of] ?? "string" };
});

function inSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
