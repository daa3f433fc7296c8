import { firstValueFrom, merge, Observable, Subject, take } from "rxjs";
import type { JobStatus } from "../../ports/job-runner.ts";
import { dayOfSlot } from "./dataproc-labels.ts";
import type { SeenJob } from "./dataproc-status.ts";
import {
  type FleetWatchOptions,
  forget,
  lookOnce,
  type ToldJob,
  type Watching,
} from "./fleet-look.ts";

/** Looks at a fleet again and again, and tells what changed. */
export interface FleetWatch {
  statuses(): Observable<JobStatus>;
  /** Looks now; resolves when what that look saw was told. */
  look(): Promise<void>;
  /** Takes note of a job that is known to be submitted. */
  know(job: SeenJob): void;
  knows(jobId: string): boolean;
  /** Those of these jobs that it told the end of, with the days of their submission. */
  told(jobIds: readonly string[]): readonly ToldJob[];
  /** Tells these jobs no more. */
  forget(jobs: readonly ToldJob[]): void;
  close(): void;
}

/**
 * - W1 A look is one list of what is active, and one of what has ended for each ten minutes of
 *   submission that can hold an end not told yet: those since the last look, and those of jobs that
 *   are not active any more. Never a call per job.
 * - W2 The active are listed first, so that a job that ends in between is in one of both.
 * - W3 The first look lists what ended of the last days: what nobody reported is told again. So does
 *   one an hour, since a job that no list showed while it ran is in none of the ten minutes of W1.
 * - W4 A look that fails changes nothing; the next one covers what it would have.
 */
export function fleetWatch(options: FleetWatchOptions): FleetWatch {
  const watching: Watching = {
    ...options,
    changes: new Subject(),
    wakes: new Subject(),
    open: new Map(),
    ended: new Map(),
    silent: new Map(),
    missing: new Map(),
    asked: new Map(),
    lookedTo: null,
    lookedForAllAt: null,
    awake: false,
    closed: false,
  };
  const look = oneAtATime(() => lookOnce(watching));
  let looping = false;
  return {
    statuses: () =>
      new Observable((out) => {
        if (!watching.closed) {
          for (const { status } of watching.open.values()) out.next(status);
          for (const { status } of watching.ended.values()) out.next(status);
        }
        const changes = watching.changes.subscribe(out);
        if (looping) wake(watching);
        else void keepLooking(watching, look);
        looping = true;
        return changes;
      }),
    look,
    know(job) {
      const { jobId } = job.status;
      const { open, ended, silent } = watching;
      if (ended.has(jobId) || silent.has(jobId)) return;
      if (!open.has(jobId)) open.set(jobId, job);
      wake(watching);
    },
    knows: (jobId) => watching.open.has(jobId) || watching.ended.has(jobId),
    told: (jobIds) =>
      jobIds.flatMap((jobId) => {
        const job = watching.ended.get(jobId);
        return job === undefined ? [] : [{ jobId, day: dayOfSlot(job.slot) }];
      }),
    forget: (jobs) => forget(watching, jobs),
    close() {
      watching.closed = true;
      watching.changes.complete();
      watching.wakes.next();
    },
  };
}

/** While one runs, all that ask share the one after it. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const run = (): Promise<void> => {
    if (current === null) {
      current = work().finally(() => {
        current = null;
      });
      return current;
    }
    next ??= current
      .catch(() => {})
      .then(() => {
        next = null;
        return run();
      });
    return next;
  };
  return run;
}

function wake(watching: Watching): void {
  watching.awake = true;
  watching.wakes.next();
}

async function keepLooking(watching: Watching, look: () => Promise<void>): Promise<void> {
  const { settings, clock, log, fleet, open } = watching;
  for (let failures = 0; !watching.closed; ) {
    watching.awake = false;
    try {
      await look();
      failures = 0;
    } catch (cause) {
      if (watching.closed) return;
      failures += 1;
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.warn({ reason, failures }, `Dataproc cannot list the ${fleet.name}; trying again`);
    }
    const active = open.size > 0 ? settings.activeLookMs : settings.idleLookMs;
    const pauseMs = Math.min(settings.idleLookMs, active * 2 ** Math.min(failures, 5));
    if (watching.awake || watching.closed) continue;
    await firstValueFrom(merge(clock.every(pauseMs), watching.wakes).pipe(take(1)));
  }
}
