import type { JobMetric } from "../schemas/job-metrics.ts";

/** What finished attempts come to. */
export interface MetricsSummary {
  /** By kind of job and how they ended. */
  readonly attempts: readonly {
    readonly jobType: string;
    readonly state: JobMetric["state"];
    readonly count: number;
    readonly durationMs: number;
  }[];
  /** By fingerprint, the most frequent first. */
  readonly failures: readonly {
    readonly errorClass: string;
    readonly fingerprint: string;
    readonly count: number;
    readonly steps: number;
    readonly lastAt: number;
    /** The last one's words. */
    readonly error: string;
  }[];
  /** By team and currency. */
  readonly teams: readonly {
    readonly team: string;
    readonly count: number;
    readonly failed: number;
    readonly durationMs: number;
    /** Null: nothing of theirs has a price. */
    readonly cost: number | null;
    readonly currency: string | null;
  }[];
}

export function summaryOf(rows: readonly JobMetric[]): MetricsSummary {
  const failed = rows.filter(({ state }) => state === "failed");
  return {
    attempts: groups(rows, ({ jobType, state }) => `${jobType} ${state}`).map((of) => ({
      jobType: of[0].jobType,
      state: of[0].state,
      count: of.length,
      durationMs: durationOf(of),
    })),
    failures: groups(failed, ({ fingerprint }) => fingerprint ?? "")
      .map(failureOf)
      .toSorted((a, b) => b.count - a.count || b.lastAt - a.lastAt),
    teams: groups(rows, ({ team, currency }) => `${team} ${currency}`).map((of) => ({
      team: of[0].team,
      count: of.length,
      failed: of.filter(({ state }) => state === "failed").length,
      durationMs: durationOf(of),
      cost: of.some(({ cost }) => cost !== null) ? sum(of.map(({ cost }) => cost)) : null,
      currency: of[0].currency,
    })),
  };
}

type Rows = readonly [JobMetric, ...JobMetric[]];

function failureOf(of: Rows): MetricsSummary["failures"][number] {
  const last = of.reduce((a, b) => (b.endedAt > a.endedAt ? b : a));
  return {
    errorClass: last.errorClass ?? "",
    fingerprint: last.fingerprint ?? "",
    count: of.length,
    steps: new Set(of.map(({ step }) => step)).size,
    lastAt: last.endedAt,
    error: last.error ?? "",
  };
}

function durationOf(rows: readonly JobMetric[]): number {
  return sum(rows.map(({ durationMs }) => durationMs));
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((all, each) => all + (each ?? 0), 0);
}

/** Rows of one name together, by name. */
function groups(rows: readonly JobMetric[], nameOf: (row: JobMetric) => string): readonly Rows[] {
  const found = new Map<string, [JobMetric, ...JobMetric[]]>();
  for (const row of rows) {
    const group = found.get(nameOf(row));
    if (group === undefined) found.set(nameOf(row), [row]);
    else group.push(row);
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
