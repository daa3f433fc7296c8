import { firstValueFrom, merge, Observable, Subject, take } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import type { Log } from "../../ports/log.ts";
import type { DataprocSettings } from "../../schemas/dataproc.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { dayOfSlot, slotOf } from "./dataproc-labels.ts";
import { isEnd, type SeenJob } from "./dataproc-status.ts";
import type { Fleet } from "./fleets.ts";
import type { ForgottenJobs } from "./forgotten-jobs.ts";

export interface FleetWatchOptions {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly settings: DataprocSettings;
  readonly forgotten: ForgottenJobs;
  readonly log: Log;
}

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

/** An ended job. */
export interface ToldJob {
  readonly jobId: string;
  /** When it was submitted. */
  readonly day: string;
}

interface Watching extends FleetWatchOptions {
  readonly changes: Subject<JobStatus>;
  readonly wakes: Subject<void>;
  /** Jobs that have not ended, as they were last seen. */
  readonly open: Map<string, SeenJob>;
  /** Ended jobs that were told and not forgotten. */
  readonly ended: Map<string, SeenJob>;
  /** Ended jobs that need not be told, with the day of their submission. */
  readonly silent: Map<string, string>;
  /** Since when an open job is in no list. */
  readonly missing: Map<string, EpochMs>;
  /** When a job's end was last asked for, its time being up. */
  readonly asked: Map<string, EpochMs>;
  /** Every job submitted before then was looked for among the ended; null before the first look. */
  lookedTo: EpochMs | null;
  awake: boolean;
  closed: boolean;
}

/**
 * - W1 A look is one list of what is active, and one of what has ended for each ten minutes of
 *   submission that can hold an end not told yet: those since the last look, and those of jobs that
 *   are not active any more. Never a call per job.
 * - W2 The active are listed first, so that a job that ends in between is in one of both.
 * - W3 The first look lists what ended of the last days: what nobody reported is told again.
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

/** Submitters' clocks may be behind, and lists late. */
const overlapMs = 60_000;

async function lookOnce(watching: Watching): Promise<void> {
  const { fleet, clock, open } = watching;
  const now = clock.now();
  const known = [...open.keys()];
  const active = await fleet.active();
  const seen = new Map(active.map((job) => [job.status.jobId, job]));
  const gone = known.filter((jobId) => !seen.has(jobId));
  if (watching.lookedTo === null) await readForgotten(watching, now);
  const periods = periodsOf(watching, { now, gone });
  const ended = (await Promise.all(periods.map((period) => fleet.ended(period)))).flat();
  for (const job of active) tellOpen(watching, job);
  for (const job of ended) tellEnd(watching, job);
  for (const jobId of gone) miss(watching, jobId, now);
  watching.lookedTo = now;
  await endOverdue(watching, now);
}

function periodsOf(
  { lookedTo, open, settings }: Watching,
  { now, gone }: { readonly now: EpochMs; readonly gone: readonly string[] },
) {
  if (lookedTo === null) return daysBefore(now, settings.recallDays).map((day) => ({ day }));
  const slots = new Set(gone.map((jobId) => open.get(jobId)?.slot ?? slotOf(now)));
  for (let at = lookedTo - overlapMs; at < now; at += overlapMs) slots.add(slotOf(at));
  slots.add(slotOf(now));
  return [...slots].map((slot) => ({ slot }));
}

/** The days that end with a moment's own; one more, so that midnight forgets nothing. */
function daysBefore(now: EpochMs, count: number): string[] {
  return Array.from({ length: count + 1 }, (_, back) => dayOfSlot(slotOf(now - back * 86_400_000)));
}

async function readForgotten(watching: Watching, now: EpochMs): Promise<void> {
  const days = daysBefore(now, watching.settings.recallDays);
  for (const jobId of await watching.forgotten.read(days)) {
    watching.silent.set(jobId, dayOfSlot(slotOf(now)));
  }
}

function tellOpen({ open, ended, silent, missing, changes }: Watching, job: SeenJob): void {
  const { jobId, state, startedAt } = job.status;
  if (ended.has(jobId) || silent.has(jobId)) return;
  const before = open.get(jobId)?.status;
  open.set(jobId, job);
  missing.delete(jobId);
  if (before?.state !== state || before.startedAt !== startedAt) changes.next(job.status);
}

function tellEnd(watching: Watching, job: SeenJob): void {
  const { open, ended, silent, missing, asked, changes } = watching;
  const { jobId, state } = job.status;
  if (!isEnd(state)) return;
  open.delete(jobId);
  missing.delete(jobId);
  asked.delete(jobId);
  if (silent.has(jobId) || ended.has(jobId)) return;
  ended.set(jobId, job);
  changes.next(job.status);
}

/** A submitted job that is in no list for long enough was deleted. */
function miss(watching: Watching, jobId: string, now: EpochMs): void {
  const { open, missing, settings } = watching;
  const job = open.get(jobId);
  if (job === undefined) return;
  const since = missing.get(jobId) ?? now;
  missing.set(jobId, since);
  if (now - since < settings.missingForMs) return;
  const status: JobStatus = {
    ...job.status,
    state: "vanished",
    endedAt: now,
    error: "it is not known to Dataproc any more: somebody deleted it",
    blame: "infrastructure",
  };
  tellEnd(watching, { ...job, status });
}

const askAgainMs = 30_000;

/** Asks jobs whose time is up to end: Dataproc's clusters know no such limit. */
async function endOverdue(watching: Watching, now: EpochMs): Promise<void> {
  const { open, asked, fleet, log } = watching;
  const overdue = [...open.values()].filter(({ status, timeoutMs }) => {
    const begun = status.state === "running" && status.startedAt !== null;
    const lastAsked = asked.get(status.jobId) ?? Number.NEGATIVE_INFINITY;
    return begun && now - (status.startedAt ?? now) >= timeoutMs && now - lastAsked >= askAgainMs;
  });
  for (const { status } of overdue) {
    try {
      await fleet.cancel(status.jobId);
      asked.set(status.jobId, now);
    } catch (cause) {
      log.warn({ jobId: status.jobId, reason: String(cause) }, "a job out of time still runs");
    }
  }
}

function forget(watching: Watching, jobs: readonly ToldJob[]): void {
  const { ended, silent, settings, clock } = watching;
  const oldest = daysBefore(clock.now(), settings.recallDays).at(-1) ?? "";
  for (const [jobId, day] of silent) if (day < oldest) silent.delete(jobId);
  for (const { jobId, day } of jobs) {
    ended.delete(jobId);
    silent.set(jobId, day);
  }
}
