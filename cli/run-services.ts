import { lastValueFrom, merge, type Observable } from "rxjs";
import type { Log } from "../ports/log.ts";
import type { World } from "../ports/world.ts";
import type { Settings } from "../schemas/settings.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { tracker } from "../services/tracker/pipeline.ts";
import { type WatcherPace, watcher } from "../services/watcher/pipeline.ts";

export interface Running {
  readonly world: World;
  readonly settings: Settings;
  readonly log: Log;
  /** The watcher's pace, where the usual one does not fit the clock. */
  readonly pace?: Partial<WatcherPace>;
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
          by: `dispatcher of ${settings.deployment}`,
          metadataInto: world.keyValueStore,
        },
        stop,
      ),
      tracker(ports, stop),
    ),
    { defaultValue: undefined },
  );
}
