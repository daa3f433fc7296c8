import type { Subject } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import type { Log } from "../../ports/log.ts";
import type { DataprocSettings } from "../../schemas/dataproc.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { dayOfSlot, slotOf } from "./dataproc-labels.ts";
import { isEnd, type SeenJob } from "./dataproc-status.ts";
import type { Fleet, Period } from "./fleets.ts";
import type { ForgottenJobs } from "./forgotten-jobs.ts";

/** What a watch of a fleet stands on. */
export interface FleetWatchOptions {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly settings: DataprocSettings;
  readonly forgotten: ForgottenJobs;
  /** Finds out more of why a job failed; never throws. */
  readonly explain: (job: SeenJob) => Promise<SeenJob>;
  readonly log: Log;
}

/** An ended job. */
export interface ToldJob {
  readonly jobId: string;
  /** When it was submitted. */
  readonly day: string;
}

/** What a watch knows. */
export interface Watching extends FleetWatchOptions {
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
  /** When all that ended of the last days was looked for; null: never. */
  lookedForAllAt: EpochMs | null;
  awake: boolean;
  closed: boolean;
}

/** Submitters' clocks may be behind, and lists late. */
const overlapMs = 60_000;
/** A job that the lists lacked while it ran, or before, is told so late at the latest. */
const lookForAllMs = 3_600_000;

/** One look at a fleet: W1 to W4 of `fleet-watch.ts`. */
export async function lookOnce(watching: Watching): Promise<void> {
  const { fleet, clock, open } = watching;
  const now = clock.now();
  const known = [...open.keys()];
  const active = await fleet.active();
  const seen = new Map(active.map((job) => [job.status.jobId, job]));
  const gone = known.filter((jobId) => !seen.has(jobId));
  const isForAll = now - (watching.lookedForAllAt ?? Number.NEGATIVE_INFINITY) >= lookForAllMs;
  if (watching.lookedTo === null) await readForgotten(watching, now);
  const periods = isForAll ? lastDays(watching, now) : slotsSince(watching, { now, gone });
  const ended = (await Promise.all(periods.map((period) => fleet.ended(period)))).flat();
  const fresh = ended.filter(({ status: { jobId } }) => !isTold(watching, jobId));
  const explained = await Promise.all(fresh.map((job) => watching.explain(job)));
  for (const job of active) tellOpen(watching, job);
  for (const job of explained) tellEnd(watching, job);
  for (const jobId of gone) miss(watching, jobId, now);
  watching.lookedTo = now;
  if (isForAll) watching.lookedForAllAt = now;
  await endOverdue(watching, now);
}

function lastDays({ settings }: Watching, now: EpochMs): Period[] {
  return daysBefore(now, settings.recallDays).map((day) => ({ day }));
}

function slotsSince(
  { lookedTo, open }: Watching,
  { now, gone }: { readonly now: EpochMs; readonly gone: readonly string[] },
): Period[] {
  const slots = new Set(gone.map((jobId) => open.get(jobId)?.slot ?? slotOf(now)));
  for (let at = (lookedTo ?? now) - overlapMs; at < now; at += overlapMs) slots.add(slotOf(at));
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

/** Whether the end of a job was told, or need not be. */
function isTold({ ended, silent }: Watching, jobId: string): boolean {
  return ended.has(jobId) || silent.has(jobId);
}

function tellOpen(watching: Watching, job: SeenJob): void {
  const { open, missing, changes } = watching;
  const { jobId, state, startedAt } = job.status;
  if (isTold(watching, jobId)) return;
  const before = open.get(jobId)?.status;
  open.set(jobId, job);
  missing.delete(jobId);
  if (before?.state !== state || before.startedAt !== startedAt) changes.next(job.status);
}

function tellEnd(watching: Watching, job: SeenJob): void {
  const { open, ended, missing, asked, changes } = watching;
  const { jobId, state } = job.status;
  if (!isEnd(state)) return;
  open.delete(jobId);
  missing.delete(jobId);
  asked.delete(jobId);
  if (isTold(watching, jobId)) return;
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

/** Tells these jobs no more, and lets go of what is too old to be listed. */
export function forget(watching: Watching, jobs: readonly ToldJob[]): void {
  const { ended, silent, settings, clock } = watching;
  const oldest = daysBefore(clock.now(), settings.recallDays).at(-1) ?? "";
  for (const [jobId, day] of silent) if (day < oldest) silent.delete(jobId);
  for (const { jobId, day } of jobs) {
    ended.delete(jobId);
    silent.set(jobId, day);
  }
}
