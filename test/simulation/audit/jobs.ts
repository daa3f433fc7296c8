import type { StepId } from "../../../schemas/ids.ts";
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
  for (const { name, limit, counts } of limitsOf(history, task)) {
    const using = [...history.running].filter((job) => counts(taskName(job.task).step)).length;
    if (using <= limit) continue;
    breaks(history, { promise: "I6", at }, `${using} jobs use ${name}, its limit is ${limit}`);
  }
}

interface Limit {
  readonly name: string;
  readonly limit: number;
  /** Whether a job of a step counts against it. */
  readonly counts: (step: StepId) => boolean;
}

/** What limits the jobs of a task's step: the pool of its mode, its team, and the step itself. */
function limitsOf(history: History, task: string): Limit[] {
  const { settings } = history;
  const { step } = taskName(task);
  const [mode, team] = [modeOf(step), teamOf(step)];
  const pool = settings.poolOfMode[mode];
  const ofTeam = settings.teams[team];
  const layers = [ofTeam?.modes[mode], ofTeam, settings.modes[mode], settings];
  const ofStep = layers.find((layer) => layer?.maxActiveRuns !== undefined)?.maxActiveRuns;
  const limits: Limit[] = [];
  const add = (limit: number | null | undefined, more: Omit<Limit, "limit">) => {
    if (limit !== null && limit !== undefined) limits.push({ limit, ...more });
  };
  if (pool !== undefined) {
    const counts = (other: StepId) => settings.poolOfMode[modeOf(other)] === pool;
    add(settings.pools[pool]?.limit, { name: `pool ${pool}`, counts });
  }
  add(ofTeam?.limit, { name: `team ${team}`, counts: (other) => teamOf(other) === team });
  add(ofStep, { name: `step ${step}`, counts: (other) => other === step });
  return limits;
}

function modeOf(step: StepId): string {
  return step.slice(step.lastIndexOf("/") + 1);
}

function teamOf(step: StepId): string {
  return step.slice(0, step.indexOf("."));
}
