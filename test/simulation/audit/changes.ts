import type { EpochMs, Partition } from "../../../schemas/ids.ts";
import type { Task } from "../../../schemas/tasks.ts";
import { failingStored } from "./alerts.ts";
import { attemptsEnded } from "./attempts.ts";
import { endsHeld } from "./ends.ts";
import {
  breaks,
  dayNumber,
  daysFrom,
  type History,
  stepOf,
  stepsThatMayDecide,
  taskName,
  touchesOf,
} from "./history.ts";
import { claimed } from "./launches.ts";
import { uploadClaimed, uploadSucceeded } from "./metadata-jobs.ts";
import { wasServed } from "./serving.ts";

const terminal = new Set(["succeeded", "failed", "cancelled", "skipped"]);
const live = new Set(["launching", "running", "cancelling"]);

/** I1, I5 and I7 at the moment a task is stored. */
export function taskStored(
  history: History,
  {
    task,
    before,
    at,
  }: { readonly task: Task; readonly before: Task | undefined; readonly at: EpochMs },
): void {
  const { state } = task;
  if (state.kind === "launching" && !isClaimOf(before, state)) {
    const fills = stepOf(history, task.step)?.effect === "fills";
    const key = `${task.id} ${state.run}`;
    if (!fills || !history.claims.has(key)) history.claims.set(key, at);
    claimed(history, task, at);
    uploadClaimed(history, task, state.jobId);
    turnTaken(history, task, at);
  }
  if (
    state.kind === "succeeded" &&
    (before?.state.kind !== "succeeded" || before.state.run !== state.run)
  ) {
    succeeded(history, task, at);
  }
  if (state.kind === "succeeded" || state.kind === "failed") history.judged.add(task.id);
  if (state.kind === "skipped" && before?.state.kind !== "skipped") {
    const asked = stepsThatMayDecide(history, task.step, at);
    if (asked.some((step) => step.latestOnly && !step.readByOthers)) {
      history.skippedRightly.add(task.id);
    } else history.skippedRightly.delete(task.id);
  }
  if (state.kind === "failed" && before?.state.kind !== "failed") failed(history, task, at);
  const asked = task.runs.filter(({ because }) => because.endsWith(" by operator")).length;
  if (asked > task.requestedBy.length) {
    const what = `${asked} runs of ${task.id} were asked for by ${task.requestedBy.length} commands`;
    breaks(history, { promise: "I7", at }, what);
  }
  endsHeld(history, { task, before, at });
  if (before !== undefined) moved(history, { before, task, at });
  if (history.watching === null) return;
  attemptsEnded(history, task);
  failingStored(history, { task, before, at });
}

/** I6: no two claims take turns nearer than the limit has them, in whatever order. */
function turnTaken(history: History, task: Task, at: EpochMs): void {
  const { perMinute, turns } = history;
  const { state } = task;
  if (perMinute === null || state.kind !== "launching") return;
  // What has no job takes no turn.
  if (stepOf(history, task.step)?.publishes === true) return;
  const claimedAt = task.runs.at(-1)?.attempts.at(-1)?.claimedAt ?? at;
  const turn = state.notBefore ?? claimedAt;
  const apart = Math.floor(60_000 / perMinute);
  const near = turns.find((other) => Math.abs(turn - other) < apart);
  if (near !== undefined) {
    const what = `${task.id} is to be submitted ${turn - near} ms from another, of ${perMinute} a minute`;
    breaks(history, { promise: "I6", at }, what);
  }
  turns.push(turn);
}

/** I3: a task fails by the job of its last attempt, and by no other. */
function failed(history: History, task: Task, at: EpochMs): void {
  const run = task.runs.at(-1);
  const attempt = run?.attempts.at(-1);
  const job = history.jobs.get(attempt?.jobId ?? "");
  if (job?.run === run?.run && job?.attempt === attempt?.attempt) return;
  const what = `${task.id} failed, but no job ever was its run ${run?.run} attempt ${attempt?.attempt}`;
  breaks(history, { promise: "I3", at }, what);
}

function isClaimOf(before: Task | undefined, state: { run: number; attempt: number }): boolean {
  const last = before?.state;
  return (
    last !== undefined &&
    "jobId" in last &&
    last.run === state.run &&
    last.attempt === state.attempt
  );
}

function moved(
  history: History,
  { before, task, at }: { readonly before: Task; readonly task: Task; readonly at: EpochMs },
): void {
  const [from, to] = [before.state, task.state];
  const isAsked = task.requestedBy.length !== before.requestedBy.length;
  if (terminal.has(from.kind) && live.has(to.kind) && lastRun(task) <= lastRun(before)) {
    breaks(
      history,
      { promise: "I7", at },
      `${task.id} was ${from.kind} and is ${to.kind} without a new run`,
    );
  }
  if (terminal.has(from.kind) && terminal.has(to.kind) && from.kind !== to.kind) {
    if (!isAsked && lastRun(task) <= lastRun(before)) {
      breaks(
        history,
        { promise: "I7", at },
        `${task.id} was ${from.kind} and is ${to.kind} without a new run`,
      );
    }
  }
  if (lastRun(task) < lastRun(before)) {
    breaks(
      history,
      { promise: "I7", at },
      `${task.id} went back from run ${lastRun(before)} to ${lastRun(task)}`,
    );
  }
}

function lastRun(task: Task): number {
  return task.runs.at(-1)?.run ?? 0;
}

/** I5: what a success of a step without a job stands on: its document was written since its claim. */
function publishedSince(history: History, task: Task, at: EpochMs): void {
  const since = history.claims.get(`${task.id} ${lastRun(task)}`) ?? at;
  const published = history.published.get(`${task.config}@${task.end}`);
  if (published !== undefined && published >= since) return;
  breaks(history, { promise: "I5", at }, `${task.id} says succeeded, nothing was published since`);
}

/** I5: what a success stands on, in the lake itself. */
function succeeded(history: History, task: Task, at: EpochMs): void {
  const step = stepOf(history, task.step);
  if (step === undefined || task.state.kind !== "succeeded") return;
  const { remark, run } = task.state;
  const { start, end } = taskName(task.id);
  if (step.publishes === true) return publishedSince(history, task, at);
  if (step.uploads !== undefined) return uploadSucceeded(history, task, at);
  if (step.output === null) {
    const since = history.claims.get(`${task.id} ${run}`) ?? at;
    if (wasServed(history, step.config, { day: end, since })) return;
    const what = `${task.id} says succeeded, the online store serves no such day`;
    return breaks(history, { promise: "I5", at }, what);
  }
  if (remark?.startsWith("by ") === true || remark?.includes("retired") === true) return;
  const since = history.claims.get(`${task.id} ${run}`) ?? at;
  const { output } = step;
  const isWritten = (day: Partition) =>
    touchesOf(history, output, day).some((touch) => touch.there && touch.at >= since);
  const isThere = (day: Partition) => touchesOf(history, output, day).some(({ there }) => there);
  for (const day of daysFrom(dayNumber(start), dayNumber(end))) {
    if (isWritten(day)) continue;
    const filled =
      step.effect === "fills" &&
      !history.judged.has(task.id) &&
      remark === "already filled" &&
      isThere(day);
    if (!filled)
      breaks(
        history,
        { promise: "I5", at },
        `${task.id} says succeeded, nothing wrote ${output}@${day} since it was claimed`,
      );
  }
}
