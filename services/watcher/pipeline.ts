import {
  concat,
  defer,
  exhaustMap,
  filter,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  type Observable,
  takeUntil,
  tap,
} from "rxjs";
import { traceOf } from "../../core/trace.ts";
import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Trace } from "../../schemas/trace.ts";
import { followLake } from "./follow-lake.ts";
import { onePerKey } from "./one-per-key.ts";

export interface WatcherPorts {
  readonly bus: Bus;
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  /** Holds the plans. */
  readonly configs: ObjectStore;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  readonly pace?: Partial<WatcherPace>;
}

/** How often the watcher does what no notification asks for, in milliseconds of its clock. */
export interface WatcherPace {
  /** Every table is looked at once in this time, so that lost notifications cost no more. */
  readonly reconcileMs: number;
  /** Distance of looks at which plan is current, and at tables that could not be read. */
  readonly beatMs: number;
  /** How long a landing may be published again after a crash. */
  readonly saveMs: number;
  /** How long a commit that cannot be read holds back later ones. */
  readonly patienceMs: number;
}

const usualPace: WatcherPace = {
  reconcileMs: 30_000,
  beatMs: 250,
  saveMs: 2_000,
  patienceMs: 60_000,
};

/** Tables read at the same time. */
const tablesAtOnce = 16;

/**
 * The world as events: commits and markers of the plan's tables become `partition-landed`, passing
 * time becomes `tick`. A landing is published before the cursor moves past it, so a crash doubles
 * events and loses none.
 *
 * Runs until `stop` emits; then what was begun is finished, cursors are saved, and it completes.
 */
export function watcher(ports: WatcherPorts, stop: Observable<unknown>): Observable<void> {
  const pace = { ...usualPace, ...ports.pace };
  const { clock, lake: objects, settings } = ports;
  let stopping = false;
  const publish = (events: readonly LandfallEvent[]) =>
    publishUntilDone(ports, events, () => stopping);
  const lake = followLake({ ...ports, ...pace, publish });
  const ended = stop.pipe(
    tap(() => {
      stopping = true;
    }),
  );
  const follow = async (table: string) => {
    if (!stopping) await lake.follow(table);
  };

  const heard = objects.notifications().pipe(
    map((object) => lake.heard(object)),
    filter((wanted) => wanted !== null),
  );
  const due = clock.every(pace.beatMs).pipe(
    exhaustMap(() => lake.due()),
    mergeMap((tables) => from(tables)),
  );
  const looks = merge(heard, due).pipe(takeUntil(ended), onePerKey(tablesAtOnce, follow));
  const saves = clock.every(pace.saveMs).pipe(
    takeUntil(ended),
    exhaustMap(() => lake.save()),
  );
  const ticks = clock.every(settings.tickMs).pipe(
    takeUntil(ended),
    exhaustMap((at) => publish([{ kind: "tick", schema: 1, at }]).catch(onlyRetryable)),
  );
  return concat(
    merge(looks, saves, ticks),
    defer(() => lake.save({ all: true })),
  ).pipe(ignoreElements());
}

function onlyRetryable(cause: unknown): void {
  if (!(cause instanceof RetryableError)) throw cause;
}

/** Publishes until the bus takes the events; told to stop, throws `RetryableError` instead. */
async function publishUntilDone(
  { bus, clock, log }: WatcherPorts,
  events: readonly LandfallEvent[],
  isStopping: () => boolean,
): Promise<void> {
  if (events.length === 0) return;
  const trace = traceOfNews(events);
  for (let pauseMs = 50, told = false; ; pauseMs = Math.min(5_000, pauseMs * 2)) {
    try {
      return await bus.publish(events, trace);
    } catch (cause) {
      if (!(cause instanceof RetryableError) || isStopping()) throw cause;
      if (!told) log.warn({ reason: cause.message }, "the bus takes no events; trying again");
      told = true;
      await clock.sleep(pauseMs);
    }
  }
}

/** Every landing begins a trace; those that are told together share one. Time begins none. */
function traceOfNews([first]: readonly LandfallEvent[]): Trace | undefined {
  if (first?.kind === "table-recreated") return traceOf(`${first.table} made anew ${first.epoch}`);
  if (first?.kind !== "partition-landed") return undefined;
  const { table, landing } = first;
  return traceOf(`${table} landed ${landing.version.epoch}.${landing.version.n}`);
}
