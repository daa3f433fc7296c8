import pLimit, { type LimitFunction } from "p-limit";
import { type Subscription, take } from "rxjs";
import { RetryableError } from "../../ports/errors.ts";
import { endingOf, endsAt, type RehearsalEnding, type RehearsalJob } from "../rehearsal/job.ts";
import {
  checkpointed,
  firstCheckpointMs,
  isStream,
  nextCheckpointMs,
} from "../rehearsal/stream.ts";
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
  /** Set from when it begins to write until its end is recorded; of a stream, or its checkpoint is. */
  work: Promise<void> | null;
}

/** Makes an end durable. Throws `RetryableError` when it may not be. */
export type RecordEnding = (job: RehearsalJob, ending: RehearsalEnding) => Promise<void>;

const recordAgainMs = 200;

/** Jobs that are worked on at one moment: an end is told while others are still to be done. */
const workedOnMax = 32;

interface Doing {
  readonly world: RehearsalWorld;
  readonly record: RecordEnding;
  readonly going: Map<string, Going>;
  /** Has the work of jobs done, so many at a time. */
  readonly inTurn: LimitFunction;
  stopped: boolean;
}

export function goingJobs(world: RehearsalWorld, record: RecordEnding): GoingJobs {
  const inTurn = pLimit(workedOnMax);
  const doing: Doing = { world, record, going: new Map(), inTurn, stopped: false };
  const { going } = doing;
  return {
    take(job) {
      const { jobId } = job.spec;
      if (doing.stopped || going.has(jobId)) return;
      const one: Going = { job, cancelled: job.cancelled, timer: null, work: null };
      going.set(jobId, one);
      const isGoing = isStream(job.spec) && !one.cancelled;
      if (isGoing) {
        return checkpointAfter(doing, one, firstCheckpointMs(world, job, world.clock.now()));
      }
      const waitMs = one.cancelled ? 0 : endsAt(job) - world.clock.now();
      later(doing, one, { waitMs, work: () => begin(doing, one) });
    },
    cancel(jobId) {
      const one = going.get(jobId);
      if (one === undefined) return;
      one.cancelled = true;
      begin(doing, one);
    },
    async stop() {
      doing.stopped = true;
      for (const one of going.values()) one.timer?.unsubscribe();
      await Promise.all([...going.values()].map(({ work }) => work ?? Promise.resolve()));
      going.clear();
    },
  };
}

function later(
  { world }: Doing,
  one: Going,
  { waitMs, work }: { readonly waitMs: number; readonly work: () => void },
): void {
  if (waitMs <= 0) return work();
  one.timer = world.clock.every(waitMs).pipe(take(1)).subscribe(work);
}

function begin(doing: Doing, one: Going): void {
  one.timer?.unsubscribe();
  if (doing.stopped) return;
  one.work ??= doing.inTurn(async () => {
    if (doing.stopped) return;
    await finish(doing, one, await endingOf(doing.world, one.job, () => one.cancelled));
  });
}

/** A stream goes from checkpoint to checkpoint, until one of them is its end or it is cancelled. */
function checkpointAfter(doing: Doing, one: Going, waitMs: number): void {
  if (doing.stopped) return;
  later(doing, one, {
    waitMs,
    work: () => {
      one.work = checkpoint(doing, one);
    },
  });
}

async function checkpoint(doing: Doing, one: Going): Promise<void> {
  const { world } = doing;
  const ending = await checkpointed(world, one.job);
  if (ending !== null) return finish(doing, one, ending);
  one.work = null;
  if (one.cancelled) begin(doing, one);
  else checkpointAfter(doing, one, nextCheckpointMs(world, one.job, world.clock.now()));
}

async function finish(doing: Doing, one: Going, ending: RehearsalEnding): Promise<void> {
  while (!(await recorded(() => doing.record(one.job, ending)))) {
    if (doing.stopped) return;
    await new Promise((resolve) => setTimeout(resolve, recordAgainMs));
  }
  doing.going.delete(one.job.spec.jobId);
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
