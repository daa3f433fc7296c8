import {
  concat,
  defer,
  EMPTY,
  exhaustMap,
  ignoreElements,
  merge,
  type Observable,
  of,
  takeUntil,
} from "rxjs";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { Metrics } from "../../../ports/metrics.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import type { TaskStore } from "../../../ports/task-store.ts";
import type { MetricsSettings } from "../../../schemas/metrics-settings.ts";
import type { Settings } from "../../../schemas/settings.ts";
import { storeOperations } from "../../store-operations.ts";
import { appending, appendingStreams } from "./append.ts";
import { gauging } from "./gauges.ts";
import { attemptsTable } from "./table.ts";

export interface MeasuringPorts {
  readonly metrics: Metrics;
  readonly store: TaskStore;
  /** The table of finished attempts is written here. */
  readonly lake: ObjectStore;
  /** Holds the plans. */
  readonly configs: ObjectStore;
  readonly clock: Clock;
  readonly settings: Pick<Settings, "deployment" | "tables" | "pools" | "teams"> & {
    readonly metrics: MetricsSettings;
  };
  readonly log: Log;
  /** Names the table and its data files; random when left out. */
  readonly newId?: () => string;
}

/** Shortest distance of looks at attempts of streams, which seldom end: every document of a stream is read. */
const streamsMs = 300_000;

/**
 * Appends finished attempts to their table, and measures what is there to be looked at. A stream of
 * its own beside the reports of jobs: whatever fails or hangs here, the pipeline goes on.
 *
 * Runs until `stop` emits; a look under way is finished.
 */
export function measuring(ports: MeasuringPorts, stop: Observable<unknown>): Observable<never> {
  return defer(() => {
    const { table, appendMs, gaugeMs } = ports.settings.metrics;
    const looks = (everyMs: number, look: () => Promise<void>) =>
      concat(of(0), ports.clock.every(everyMs)).pipe(
        takeUntil(stop),
        exhaustMap(untroubled(ports.log, look)),
        ignoreElements(),
      );
    const attempts = table === null ? null : attemptsTable(ports, table);
    return merge(
      attempts === null ? EMPTY : looks(appendMs, appending(ports, attempts)),
      attempts === null
        ? EMPTY
        : looks(Math.max(appendMs, streamsMs), appendingStreams(ports, attempts)),
      looks(gaugeMs, gauging(ports)),
      storeOperations({ ...ports, service: "tracker" }, stop),
    );
  });
}

/** A look that never throws; the same trouble is told once. */
function untroubled(log: Log, look: () => Promise<void>): () => Promise<void> {
  let trouble: string | null = null;
  return async () => {
    try {
      await look();
      trouble = null;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (reason !== trouble) {
        log.warn({ reason }, "metrics could not be looked at, and will be again");
      }
      trouble = reason;
    }
  };
}
