import { merge, NEVER, type Observable } from "rxjs";
import { randomOf } from "../../adapters/simulated/random.ts";
import type { Clock } from "../../ports/clock.ts";
import { silentLog } from "../../ports/log.ts";
import { noMetrics } from "../../ports/metrics.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import type { Settings } from "../../schemas/settings.ts";
import { alerting } from "../../services/tracker/alerts/pipeline.ts";
import { measuring } from "../../services/tracker/metrics/pipeline.ts";
import type { ProcessPorts } from "./process-ports.ts";
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

/** Some of the seeds have it. Drawn apart, so that all else of the seed is as it was. */
export function watchingOf(seed: number, faultsEnd: number): WatchingWorkload | null {
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
      late: { hours: random.pick([null, 30]) },
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

export interface WatchingOptions {
  /** Names files; no two processes, and no two lives of one, have a name in common. */
  readonly newId: () => string;
  readonly settings: Settings;
  readonly watching: WatchingWorkload;
}

/** What runs in a tracker beside its reports. */
export function watching(
  ports: ProcessPorts,
  { newId, settings, watching: asked }: WatchingOptions,
): Observable<never> {
  const shared = { settings: { ...settings, ...asked }, log: silentLog };
  const told = ports.aside("telling people");
  const counted = ports.aside("counting attempts");
  return merge(
    alerting({ ...told, ...shared }, NEVER),
    measuring(
      {
        ...counted,
        ...shared,
        clock: seldom(counted.clock),
        metrics: noMetrics,
        newId,
      },
      NEVER,
    ),
  );
}

/** What beats more than once a minute only measures, which costs time and shows nothing here. */
function seldom(clock: Clock): Clock {
  return { ...clock, every: (periodMs) => (periodMs < 60_000 ? NEVER : clock.every(periodMs)) };
}
