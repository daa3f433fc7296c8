import { type Subscription, take } from "rxjs";
import { RetryableError } from "../../ports/errors.ts";
import { drive } from "./rehearsal-driver.ts";
import type { RehearsalEnding, RehearsalJob } from "./rehearsal-table.ts";
import { faultOf, faultText, type RehearsalWorld } from "./rehearsal-world.ts";

/** The jobs that one opening of a rehearsal is doing. */
export interface GoingJobs {
  /** Takes a job up where it stands. Taking it again does nothing. */
  take(job: RehearsalJob): void;
  /** Ends a job; one that is writing finishes its write first. */
  cancel(jobId: string): void;
  /** Lets go of every job; resolves when none is writing any more. */
  stop(): Promise<void>;
}

interface Going {
  readonly job: RehearsalJob;
  cancelled: boolean;
  timer: Subscription | null;
  /** Set from when it begins to write until its end is recorded. */
  work: Promise<void> | null;
}

/** Makes an end durable. Throws `RetryableError` when it may not be. */
export type RecordEnding = (job: RehearsalJob, ending: RehearsalEnding) => Promise<void>;

const recordAgainMs = 200;

export function goingJobs(world: RehearsalWorld, record: RecordEnding): GoingJobs {
  const going = new Map<string, Going>();
  let stopped = false;

  const finish = async (one: Going): Promise<void> => {
    const ending = await endingOf(world, one);
    while (!(await recorded(() => record(one.job, ending)))) {
      if (stopped) return;
      await new Promise((resolve) => setTimeout(resolve, recordAgainMs));
    }
    going.delete(one.job.spec.jobId);
  };

  const begin = (one: Going): void => {
    one.timer?.unsubscribe();
    if (!stopped) one.work ??= finish(one);
  };

  return {
    take(job) {
      const { jobId } = job.spec;
      if (stopped || going.has(jobId)) return;
      const one: Going = { job, cancelled: job.cancelled, timer: null, work: null };
      going.set(jobId, one);
      const waitMs = endsAt(job) - world.clock.now();
      if (waitMs <= 0 || one.cancelled) return begin(one);
      one.timer = world.clock
        .every(waitMs)
        .pipe(take(1))
        .subscribe(() => begin(one));
    },
    cancel(jobId) {
      const one = going.get(jobId);
      if (one === undefined) return;
      one.cancelled = true;
      begin(one);
    },
    async stop() {
      stopped = true;
      for (const one of going.values()) one.timer?.unsubscribe();
      await Promise.all([...going.values()].map(({ work }) => work ?? Promise.resolve()));
      going.clear();
    },
  };
}

/** When a job's work is done or its time is up, whichever comes first. */
function endsAt({ spec, startedAt, dueAt }: RehearsalJob): number {
  const limit = startedAt + spec.timeoutMs;
  return dueAt === null ? limit : Math.min(dueAt, limit);
}

async function endingOf(world: RehearsalWorld, one: Going): Promise<RehearsalEnding> {
  const { spec, startedAt, dueAt } = one.job;
  const ended = (
    state: RehearsalEnding["state"],
    error: string | null,
    blame: RehearsalEnding["blame"] = "job",
  ): RehearsalEnding => ({ state, endedAt: world.clock.now(), error, blame });
  const cancelled = () => ended("cancelled", "it was cancelled");

  if (one.cancelled) return cancelled();
  if (dueAt === null || dueAt > startedAt + spec.timeoutMs) {
    const limit = `its limit of ${spec.timeoutMs / 1_000} s`;
    return ended("timed-out", `it ran longer than ${limit} and was ended`);
  }
  const fault = faultOf(world.behaviour, spec, spec.range);
  if (fault?.does === "vanish") {
    return ended("vanished", faultText(fault, "the job was lost"), "infrastructure");
  }
  try {
    const error = await drive(world, spec);
    if (one.cancelled) return cancelled();
    return error === null ? ended("succeeded", null) : ended("failed", error);
  } catch (cause) {
    const blame = cause instanceof RetryableError ? "infrastructure" : "job";
    const message = cause instanceof Error ? cause.message : String(cause);
    return ended("failed", `rehearsal: ${message}`, blame);
  }
}

async function recorded(record: () => Promise<void>): Promise<boolean> {
  try {
    await record();
    return true;
  } catch (cause) {
    if (cause instanceof RetryableError) return false;
    throw cause;
  }
}
