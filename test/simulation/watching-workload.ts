import { randomOf } from "../../adapters/simulated/random.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { EpochMs, TableName } from "../../schemas/ids.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import { dayMs, hourMs, start } from "./times.ts";
import type { Watching } from "./trace.ts";

/** What trackers do beside their reports: they tell people, and count attempts. */
export interface WatchingWorkload extends Watching {
  readonly metrics: MetricsSettings;
  /** When routes do not answer. */
  readonly outages: readonly {
    readonly port: string;
    readonly from: number;
    readonly until: number;
  }[];
}

export interface Watched {
  readonly externals: readonly TableName[];
  readonly faultsEnd: EpochMs;
}

/** Some of the seeds have it. Drawn apart, so that all else of the seed is as it was. */
export function watchingOf(
  seed: number,
  { externals, faultsEnd }: Watched,
): WatchingWorkload | null {
  const random = randomOf(seed, "watching");
  if (!random.chance(0.3)) return null;
  const outages = Array.from({ length: random.pick([0, 1, 2]) }, () => {
    const from = random.between(start, faultsEnd - hourMs);
    const until = Math.min(faultsEnd, from + random.between(hourMs, 8 * hourMs));
    return { port: random.pick(["pager", "chat"]), from, until };
  });
  return {
    alerts: AlertSettings.parse({
      runningLong: { minutes: 60 },
      late: lateOf(externals, random.pick([null, 30])),
      lookMs: random.pick([hourMs, 2 * hourMs]),
      quietMs: random.pick([0, 120_000, 3 * hourMs]),
    }),
    routes: { t: ["pager"], u: ["pager", "chat"] },
    metrics: MetricsSettings.parse({
      appendMs: random.pick([hourMs, 3 * hourMs]),
      tasksMax: random.pick([2, 10, 1_000]),
      // What only measures is looked at once a life.
      gaugeMs: 30 * dayMs,
    }),
    outages,
  };
}

/** By name: these weeks are too short for a table to have landed a week before. */
function lateOf(externals: readonly TableName[], hours: number | null) {
  return { hours: null, tables: Object.fromEntries(externals.map((table) => [table, hours])) };
}
