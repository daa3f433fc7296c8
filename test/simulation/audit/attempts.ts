import type { StreamAttempt, StreamDocument } from "../../../schemas/streams.ts";
import type { Attempt, Task } from "../../../schemas/tasks.ts";
import type { TraceEntry } from "../trace.ts";
import { breaks, type EndedAttempt, type History } from "./history.ts";
import { mayBeUnderWay } from "./launches.ts";

/** Trackers append every three hours, and look at streams every six; they may be about to. */
const countedWithinMs = { tasks: 3.5 * 3_600_000, streams: 7 * 3_600_000 };

/** Takes over which attempts of a task have ended, and how. */
export function attemptsEnded({ ended }: History, { id, runs }: Task): void {
  for (const { run, attempts } of runs) {
    for (const attempt of attempts) {
      if (attempt.endedAt === null) continue;
      const known = ended.get(attempt.jobId);
      const days = known?.days ?? new Set();
      days.add(new Date(attempt.endedAt).toISOString().slice(0, 10));
      ended.set(attempt.jobId, {
        task: id,
        run,
        attempt: attempt.attempt,
        days,
        state: stateOf(attempt),
        countedBy: attempt.endedAt + countedWithinMs.tasks,
      });
    }
  }
}

/** The same of a stream: an end that nobody asked for is a failure, however its job exited. */
export function streamAttemptsEnded({ ended }: History, { attempts }: StreamDocument): void {
  for (const one of attempts) {
    const { jobId, task, attempt, endedAt } = one;
    if (endedAt === null) continue;
    const days = new Set([new Date(endedAt).toISOString().slice(0, 10)]);
    const countedBy = endedAt + countedWithinMs.streams;
    ended.set(jobId, { task, run: 1, attempt, days, state: streamStateOf(one), countedBy });
  }
}

function streamStateOf({ asked, outcome }: StreamAttempt): EndedAttempt["state"] {
  return asked || outcome === "not-submitted" ? "cancelled" : "failed";
}

function stateOf({ blame, outcome }: Attempt): EndedAttempt["state"] {
  if (blame !== null) return "failed";
  return outcome === "succeeded" ? "succeeded" : "cancelled";
}

/** Exactly one row for each attempt that ended, and it says how, on the day that it did. */
export function attemptsCounted(
  history: History,
  { rows, at }: Extract<TraceEntry, { kind: "attempts-counted" }>,
): void {
  const say = (what: string) => breaks(history, { promise: "metrics", at }, what);
  const seen = new Set<string>();
  for (const { jobId, day, state } of rows) {
    if (seen.has(jobId)) say(`job ${jobId} has two rows`);
    seen.add(jobId);
    const known = history.ended.get(jobId);
    if (known === undefined) {
      say(`job ${jobId} has a row, and no attempt of it ended`);
      continue;
    }
    const name = `run ${known.run} attempt ${known.attempt} of ${known.task}`;
    if (known.state !== state) say(`the row of ${name} says ${state}, it was ${known.state}`);
    if (!known.days.has(day)) say(`the row of ${name} is of ${day}, when it did not end`);
  }
  for (const [jobId, { task, run, attempt, countedBy }] of history.ended) {
    const isJustOver = countedBy > at || mayBeUnderWay(history, task, at);
    if (!seen.has(jobId) && !isJustOver) say(`run ${run} attempt ${attempt} of ${task} has no row`);
  }
}
