import { EMPTY, lastValueFrom, merge, type Observable } from "rxjs";
import type { Alerts } from "../ports/alerts.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { World } from "../ports/world.ts";
import type { AlertSettings } from "../schemas/alert-settings.ts";
import type { MetricsSettings } from "../schemas/metrics-settings.ts";
import type { Settings } from "../schemas/settings.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { type AlertingPorts, alerting } from "../services/tracker/alerts/pipeline.ts";
import { type MeasuringPorts, measuring } from "../services/tracker/metrics/pipeline.ts";
import { tracker } from "../services/tracker/pipeline.ts";
import { type WatcherPace, watcher } from "../services/watcher/pipeline.ts";

export interface Running {
  readonly world: World;
  readonly settings: Settings;
  readonly log: Log;
  /** The watcher's pace, where the usual one does not fit the clock. */
  readonly pace?: Partial<WatcherPace>;
  /** Ways to people, and what they are told of; nobody is told anything without. */
  readonly alerting?: { readonly alerts: Alerts; readonly settings: AlertSettings };
  /** Where it is measured, and the table of finished attempts; neither without. */
  readonly measuring?: { readonly metrics: Metrics; readonly settings: MetricsSettings };
  /** Keeps streams running; none is begun without. */
  readonly streams?: boolean;
  /** Emits once when all three are to finish what they took and end. */
  readonly stop: Observable<unknown>;
}

/**
 * Watcher, dispatcher and tracker in one process. Resolves when `stop` has emitted and all three
 * have finished what they had taken; rejects when one of them fails.
 */
export async function runServices(running: Running): Promise<void> {
  const { world, settings, log, stop, pace } = running;
  const ports = { ...world, settings, log, ...(pace === undefined ? {} : { pace }) };
  await lastValueFrom(
    merge(
      watcher(ports, stop),
      dispatcher(
        {
          ...ports,
          ...(running.measuring === undefined ? {} : { metrics: running.measuring.metrics }),
          by: `dispatcher of ${settings.deployment}`,
          metadataInto: world.keyValueStore,
          ...(running.streams === true ? { streamsAt: world.flinkState } : {}),
        },
        stop,
      ),
      tracker(ports, stop),
      running.alerting === undefined
        ? EMPTY
        : alerting(alertingPorts(running, running.alerting), stop),
      running.measuring === undefined
        ? EMPTY
        : measuring(measuringPorts(running, running.measuring), stop),
    ),
    { defaultValue: undefined },
  );
}

function measuringPorts(
  { world, settings, log }: Running,
  { metrics, settings: own }: NonNullable<Running["measuring"]>,
): MeasuringPorts {
  return { ...world, metrics, settings: { ...settings, metrics: own }, log };
}

function alertingPorts(
  { world, settings, log }: Running,
  { alerts, settings: own }: NonNullable<Running["alerting"]>,
): AlertingPorts {
  return { ...world, alerts, settings: { ...settings, alerts: own }, log };
}
