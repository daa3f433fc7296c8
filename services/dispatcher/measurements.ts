import { landingLagMs } from "../../core/landing-lag.ts";
import { landingsId } from "../../core/landings.ts";
import { own } from "../../core/own.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { DocumentOf } from "../../schemas/documents.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import type { Landing } from "../../schemas/landings.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { Documents } from "./documents.ts";

/** Measures how long after their data landed tasks were claimed, by documents that are in memory. */
export function measureLaunches(
  { metrics, clock, documents }: Measuring,
  launches: readonly Task[],
): void {
  const landingOf = (table: TableName, day: Partition): Landing | null => {
    const body = documents.known.get(landingsId(table, day))?.body ?? null;
    const { partitions } = (body ?? { partitions: {} }) as DocumentOf<`landings/${string}`>;
    return own(partitions, day) ?? null;
  };
  for (const task of launches) {
    const lag = landingLagMs(task, landingOf, clock.now());
    if (lag === null) continue;
    const { team, pipeline, mode } = task;
    metrics.measure("landfall.landing.lag", lag / 1_000, { team, pipeline, job_type: mode });
  }
}

export interface Measuring {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly documents: Documents;
}
