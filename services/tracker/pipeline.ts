import {
  concat,
  defer,
  EMPTY,
  exhaustMap,
  filter,
  finalize,
  merge,
  mergeMap,
  type Observable,
  share,
  shareReplay,
  take,
  takeUntil,
  takeWhile,
  tap,
} from "rxjs";
import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Settings } from "../../schemas/settings.ts";
import { hear } from "./heard.ts";
import { looks } from "./looks.ts";
import { begun, settle, type Tracking, trackingOf } from "./settle.ts";

export interface TrackerPorts {
  readonly bus: Bus;
  /** Only read: which plan is current, the watcher's cursors, and which tasks know how their jobs ended. */
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  /** Holds the plans. */
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly runner: JobRunner;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  /** Objects that were finished in the lake, where jobs are not told of but looked at. */
  readonly written?: Observable<ObjectNotification>;
}

/**
 * Reports what became of jobs, after looking at what they wrote. Nothing is decided here: an
 * outcome is what the runner said and what is in the lake; what it means for the task is the
 * dispatcher's to say (I5).
 *
 * - T1 A job is forgotten by its runner only after its task is seen to know of its end, so it is
 *   reported at least once, whatever process dies, and again while the task does not move, whatever
 *   became of the report. Two trackers only report twice.
 * - T2 What cannot be read is read again until it can: an unknown output is never reported missing.
 *   What will never be read as the world is (a table that nobody made) is a failure with that sentence.
 *
 * Runs until `stop` emits; then reports under way are finished and the stream completes. One that
 * waits for the world is given up, and made again by the next tracker.
 */
export function tracker(ports: TrackerPorts, stop: Observable<unknown>): Observable<void> {
  return defer(() => {
    const tracking = trackingOf(ports);
    const stopped = stop.pipe(
      take(1),
      tap(() => tracking.stop()),
      shareReplay(1),
    );
    const settled = ports.runner.statuses().pipe(
      takeUntil(stopped),
      filter((status) => begun(tracking, status)),
      mergeMap((status) => settle(tracking, status)),
      share(),
    );
    const hearing = settled.pipe(exhaustMap(() => heard(tracking, stopped)));
    const looking = looks({ written: EMPTY, ...ports, plan: tracking.plan });
    return concat(
      merge(settled, hearing, looking.pipe(takeUntil(stopped))),
      defer(() => hear(tracking)),
    ).pipe(finalize(() => tracking.stop()));
  });
}

/** How often it is looked which reports have had their time, while there are any. */
const lookMs = 15_000;

function heard(tracking: Tracking, stopped: Observable<unknown>): Observable<void> {
  return tracking.ports.clock.every(lookMs).pipe(
    takeUntil(stopped),
    exhaustMap(() => hear(tracking)),
    takeWhile(() => tracking.reported.size > 0),
  );
}
