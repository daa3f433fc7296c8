import type { TraceEntry } from "../trace.ts";
import { breaks, type History, type Job, stepOf, taskName } from "./history.ts";

/** Clocks of two processes are at most this far apart. */
const clockSlackMs = 45_000;

type Begun = Extract<TraceEntry, { kind: "job-begun" }>;
type Ended = Extract<TraceEntry, { kind: "job-ended" }>;

/** I2, I3 and I6 at the moment a job begins. */
export function jobBegun(history: History, entry: Begun, position: number): void {
  const { jobId, task, run, attempt, at } = entry;
  const say = (promise: "I2" | "I3" | "I6", what: string) => breaks(history, { promise, at }, what);
  if (history.jobs.has(jobId)) say("I3", `job ${jobId} of ${task} began twice`);
  const durable = history.tasks
    .get(task)
    ?.runs.some(
      (one) =>
        one.run === run && one.attempts.some((a) => a.attempt === attempt && a.jobId === jobId),
    );
  if (durable !== true)
    say("I3", `run ${run} attempt ${attempt} of ${task} began before it was stored`);
  const claim = history.tasks.get(task)?.state;
  if (claim?.kind === "launching" && claim.jobId === jobId) {
    const early = (claim.notBefore ?? 0) - at;
    if (early > clockSlackMs) say("I6", `${task} is submitted ${early} ms before its turn`);
  }
  const job: Job = {
    jobId,
    task,
    run,
    attempt,
    begunAt: at,
    begun: position,
    ended: null,
    state: null,
  };
  for (const other of history.running) {
    if (other.task === task)
      say("I2", `two jobs of ${task} run at a time: ${jobId} and ${other.jobId}`);
    else if (overlap(history, job, other))
      say("I2", `${task} and ${other.task} write the same output at a time`);
  }
  for (const other of history.jobs.values()) {
    if (
      other.task === task &&
      other.run === run &&
      other.attempt === attempt &&
      other.jobId !== jobId
    ) {
      const lives = history.tasks
        .get(task)
        ?.runs.some((one) => one.attempts.some((a) => a.jobId === other.jobId));
      if (lives === true) say("I3", `run ${run} attempt ${attempt} of ${task} is two jobs`);
    }
  }
  history.jobs.set(jobId, job);
  history.running.add(job);
  limits(history, task, at);
}

export function jobEnded(history: History, { jobId, state, at }: Ended): void {
  const job = history.jobs.get(jobId);
  if (job === undefined) return;
  job.ended = at;
  job.state = state;
  history.running.delete(job);
}

function overlap(history: History, one: Job, other: Job): boolean {
  const [a, b] = [taskName(one.task), taskName(other.task)];
  const [stepA, stepB] = [stepOf(history, a.step), stepOf(history, b.step)];
  const table = stepA?.output ?? null;
  if (table === null || stepB?.output !== table) return false;
  return stepA?.effect === "rewrites-table" || (a.start <= b.end && b.start <= a.end);
}

function limits(history: History, task: string, at: number): void {
  const { settings, running } = history;
  const poolOf = (id: string) => {
    const { step } = taskName(id);
    return settings.poolOfMode[step.slice(step.lastIndexOf("/") + 1)];
  };
  const pool = poolOf(task);
  const limit = pool === undefined ? undefined : settings.pools[pool]?.limit;
  if (limit === undefined) return;
  const using = [...running].filter((job) => poolOf(job.task) === pool).length;
  if (using > limit)
    breaks(history, { promise: "I6", at }, `${using} jobs use pool ${pool}, its limit is ${limit}`);
}
