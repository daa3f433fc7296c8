import { Observable, type Subscriber, type Subscription, take } from "rxjs";
import { type Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobSpec, JobStatus, SubmitAnswer } from "../../ports/job-runner.ts";
import type { Lane } from "../../schemas/lane.ts";
import { endingOf, endsAt, type RehearsalEnding, type RehearsalJob } from "../rehearsal/job.ts";
import { checkpointed, isStream, nextCheckpointMs, streamOfTask } from "../rehearsal/stream.ts";
import { durationMsOf, type RehearsalWorld } from "../rehearsal/world.ts";

/** Where rehearsed jobs run, in memory; they go on whoever submitted them and whoever watches. */
export interface SimulatedJobs {
  open(): JobRunner;
}

export interface SimulatedJobsOptions {
  readonly world: RehearsalWorld;
  /** The same as one batch job reaches it; `world` when left out. */
  readonly worldOf?: (spec: JobSpec) => RehearsalWorld;
  /** How long a job goes on after it was asked to end; it may finish before that. */
  readonly cancelMs?: (spec: JobSpec) => number;
  /**
   * A limit on submissions that all jobs count against. A third above it is left for cancels and
   * what is submitted again; what is beyond that is not taken.
   */
  readonly lane?: Lane;
  /** Told of every job once, when it is taken and when it has ended. */
  readonly told?: (spec: JobSpec, status: JobStatus) => void;
}

interface Job {
  readonly spec: JobSpec;
  readonly startedAt: number;
  cancelled: boolean;
  timer: Subscription | null;
  ending: RehearsalEnding | null;
  forgotten: boolean;
}

interface Shared extends SimulatedJobsOptions {
  readonly jobs: Map<string, Job>;
  readonly watchers: Set<Subscriber<JobStatus>>;
  /** When jobs were submitted in the last minute. */
  readonly submissions: number[];
}

export function simulatedJobs(options: SimulatedJobsOptions): SimulatedJobs {
  const shared: Shared = { ...options, jobs: new Map(), watchers: new Set(), submissions: [] };
  return { open: () => opening(shared) };
}

function opening(shared: Shared): JobRunner {
  const { jobs, watchers } = shared;
  const own = new Set<Subscriber<JobStatus>>();
  return {
    async submit(spec) {
      if (!hasRoom(shared)) throw new RetryableError("too many submissions in a minute");
      return submit(shared, spec);
    },
    async cancel(jobId) {
      const job = jobs.get(jobId);
      if (job === undefined) return "unknown";
      cancel(shared, job);
      return "asked";
    },
    statuses: () =>
      new Observable((out) => {
        for (const job of jobs.values()) if (!job.forgotten) out.next(statusOf(job));
        watchers.add(out);
        own.add(out);
        return () => {
          watchers.delete(out);
          own.delete(out);
        };
      }),
    lanes: () => (shared.lane === undefined ? [] : [shared.lane]),
    look: async () => {},
    streams: {
      running: async () =>
        [...jobs.values()].flatMap(({ spec, ending }) => {
          const stream = ending === null ? streamOfTask(spec.jobId, spec.task) : null;
          return stream === null ? [] : [stream];
        }),
      async find(jobId) {
        const job = jobs.get(jobId);
        return job === undefined ? null : statusOf(job);
      },
    },
    async forget(jobIds) {
      for (const jobId of jobIds) {
        const job = jobs.get(jobId);
        if (job !== undefined && job.ending !== null) job.forgotten = true;
      }
    },
    async close() {
      for (const watcher of own) watcher.complete();
    },
  };
}

/** Whether the world takes one more submission now. */
function hasRoom({ lane, submissions, world }: Shared): boolean {
  if (lane === undefined) return true;
  const now = world.clock.now();
  while (submissions.length > 0 && (submissions[0] ?? now) <= now - 60_000) submissions.shift();
  if (submissions.length >= Math.ceil((lane.perMinute * 4) / 3)) return false;
  submissions.push(now);
  return true;
}

function submit(shared: Shared, spec: JobSpec): SubmitAnswer {
  const { jobs, world } = shared;
  const there = jobs.get(spec.jobId)?.spec;
  if (there !== undefined) {
    const same =
      there.task === spec.task && there.run === spec.run && there.attempt === spec.attempt;
    return same
      ? { kind: "exists" }
      : { kind: "refused", reason: `job ${spec.jobId} is already that of ${there.task}` };
  }
  const startedAt = world.clock.now();
  const job: Job = {
    spec,
    startedAt,
    cancelled: false,
    timer: null,
    ending: null,
    forgotten: false,
  };
  jobs.set(spec.jobId, job);
  changed(shared, job);
  begin(shared, job);
  return { kind: "accepted" };
}

function begin(shared: Shared, job: Job): void {
  const { clock } = shared.world;
  if (isStream(job.spec)) return keepGoing(shared, job);
  const due = endsAt(asRehearsal(shared, job)) - job.startedAt;
  job.timer = after(clock, due, () => finish(shared, job));
}

/** A stream goes from checkpoint to checkpoint, until one of them is its end or it is cancelled. */
function keepGoing(shared: Shared, job: Job): void {
  const { world } = shared;
  const rehearsal = asRehearsal(shared, job);
  const dueMs = nextCheckpointMs(world, rehearsal, world.clock.now());
  job.timer = after(world.clock, dueMs, () => {
    job.timer = null;
    void checkpointed(world, rehearsal).then((ending) => {
      if (job.cancelled) return finish(shared, job);
      if (ending === null) return keepGoing(shared, job);
      job.ending = ending;
      changed(shared, job);
    });
  });
}

function asRehearsal({ world }: Shared, { spec, startedAt, cancelled }: Job): RehearsalJob {
  const lastsMs = durationMsOf(world.behaviour, spec);
  return { spec, startedAt, cancelled, dueAt: lastsMs === null ? null : startedAt + lastsMs };
}

function cancel(shared: Shared, job: Job): void {
  if (job.cancelled || job.ending !== null) return;
  const { world, cancelMs } = shared;
  after(world.clock, cancelMs?.(job.spec) ?? 0, () => {
    if (job.cancelled || job.ending !== null) return;
    job.cancelled = true;
    if (job.timer === null) return;
    job.timer.unsubscribe();
    finish(shared, job);
  });
}

/** Does the job's work, unless it was cancelled before it began to write. */
function finish(shared: Shared, job: Job): void {
  job.timer = null;
  const world = shared.worldOf?.(job.spec) ?? shared.world;
  void endingOf(world, asRehearsal(shared, job), () => job.cancelled).then((ending) => {
    job.ending = ending;
    changed(shared, job);
  });
}

function changed({ watchers, told }: Shared, job: Job): void {
  const status = statusOf(job);
  told?.(job.spec, status);
  for (const watcher of watchers) watcher.next(status);
}

function statusOf({ spec, startedAt, ending }: Job): JobStatus {
  const { jobId, task, run, attempt } = spec;
  const shared = { jobId, task, run, attempt, startedAt, log: null };
  return ending === null
    ? { ...shared, state: "running", endedAt: null, error: null, blame: "job" }
    : { ...shared, ...ending };
}

function after(clock: Clock, delayMs: number, done: () => void): Subscription {
  return clock.every(Math.max(1, delayMs)).pipe(take(1)).subscribe(done);
}
