import { merge, NEVER, type Observable } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import { silentLog } from "../../ports/log.ts";
import { noMetrics } from "../../ports/metrics.ts";
import type { Settings } from "../../schemas/settings.ts";
import { alerting } from "../../services/tracker/alerts/pipeline.ts";
import { measuring } from "../../services/tracker/metrics/pipeline.ts";
import type { ProcessPorts } from "./process-ports.ts";
import type { WatchingWorkload } from "./watching-workload.ts";

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
