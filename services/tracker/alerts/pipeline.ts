import { concat, defer, exhaustMap, ignoreElements, type Observable, of, takeUntil } from "rxjs";
import type { Alerts } from "../../../ports/alerts.ts";
import type { Bus } from "../../../ports/bus.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { TaskStore } from "../../../ports/task-store.ts";
import type { AlertSettings } from "../../../schemas/alert-settings.ts";
import type { Settings } from "../../../schemas/settings.ts";
import { type Eyes, eyesOf } from "./eyes.ts";
import { keepAlerts } from "./keep.ts";
import { type Teller, tellerOf } from "./tell.ts";

export interface AlertingPorts {
  readonly alerts: Alerts;
  readonly store: TaskStore;
  /** Only its dead letters are read. */
  readonly bus: Bus;
  /** Holds the plans. */
  readonly configs: ObjectStore;
  readonly clock: Clock;
  readonly settings: Pick<Settings, "metadata" | "teams" | "tables" | "externalClosing"> & {
    readonly deployment: string;
    readonly alerts: AlertSettings;
  };
  readonly log: Log;
}

/**
 * Looks at what is wrong, keeps it as documents, tells people. A stream of its own beside the
 * reports of jobs: whatever fails or hangs here, the pipeline goes on.
 *
 * - L1 an alert is durable before a route is told of it, and what a route took is written after: it
 *   is told at least once, and is one alert there by its alias. Two trackers only tell twice.
 * - L2 a route that does not answer is told at the next look, and the next, until it does.
 *
 * Runs until `stop` emits; a look under way sends no more notices and completes.
 */
export function alerting(ports: AlertingPorts, stop: Observable<unknown>): Observable<never> {
  return defer(() => {
    const looks = looksOf(ports, stop);
    const beats = ports.clock.every(ports.settings.alerts.lookMs);
    return concat(of(0), beats).pipe(takeUntil(stop), exhaustMap(looks), ignoreElements());
  });
}

/** One look after the other, never two at once; none throws. */
export function looksOf(ports: AlertingPorts, stop: Observable<unknown>): () => Promise<void> {
  const eyes: Eyes = eyesOf(ports);
  const teller: Teller = tellerOf(
    { ...ports, maintainersOf: (team) => eyes.maintainersOf(team) },
    stop,
  );
  let trouble: string | null = null;
  return async () => {
    try {
      const kept = await keepAlerts(ports, eyes);
      if (kept !== null) await teller.tell(kept);
      trouble = null;
    } catch (cause) {
      const { message } = cause as Error;
      if (message !== trouble) {
        ports.log.warn({ reason: message }, "alerts could not be looked at, and will be again");
      }
      trouble = message;
    }
  };
}
