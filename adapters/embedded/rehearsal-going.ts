import { type Subscription, take } from "rxjs";
import { RetryableError } from "../../ports/errors.ts";
import { endingOf, endsAt, type RehearsalEnding, type RehearsalJob } from "../rehearsal/job.ts";
import type { RehearsalWorld } from "../rehearsal/world.ts";

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
    const ending = await endingOf(world, one.job, () => one.cancelled);
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

async function recorded(record: () => Promise<void>): Promise<boolean> {
  try {
    await record();
    return true;
  } catch (cause) {
    if (cause instanceof RetryableError) return false;
    throw cause;
  }
}
