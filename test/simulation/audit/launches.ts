import type { EpochMs, Partition, TaskId } from "../../../schemas/ids.ts";
import type { Closing } from "../../../schemas/settings.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { WantedInput, WantedStep } from "../trace.ts";
import {
  breaks,
  dayNumber,
  daysFrom,
  dayText,
  endOf,
  type History,
  knownLanding,
  neededDays,
  stepOf,
  tableOf,
  taskName,
  touchesOf,
} from "./history.ts";
import { uploadedWithinMs } from "./metadata-jobs.ts";

const slackMs = 45_000;

/** I1: what a claim stands on, by what was stored before it and what truly was in the lake. */
export function claimed(history: History, task: Task, at: EpochMs): void {
  const step = stepOf(history, task.step);
  if (step === undefined) return;
  for (const problem of [...unmet(history, step, { task, at }), ...tooEarly(step, task, at)]) {
    breaks(history, { promise: "I1", at }, `${task.id} was claimed although ${problem}`);
  }
  for (const [table, days] of Object.entries(task.reads)) {
    for (const [day, version] of Object.entries(days)) {
      const n = Number(version.split(".")[1]);
      const truly = touchesOf(history, table, day).some((touch) => touch.there && touch.n === n);
      if (!truly)
        breaks(
          history,
          { promise: "I1", at },
          `${task.id} reads ${table}@${day} at ${version}, which never was`,
        );
    }
  }
}

/** A schedule holds back the first run of a task that nobody asks for. */
function tooEarly(step: WantedStep, task: Task, at: EpochMs): string[] {
  const isAsked = task.requestedBy.length > 0 || task.runs.length > 1;
  if (isAsked || at + slackMs >= startsAtOf(step, task.end)) return [];
  return [`its schedule starts it ${step.startsAtHour} h after its day`];
}

/** 0 for what starts whenever it is complete: also before its day is over. */
function startsAtOf({ startsAtHour }: WantedStep, end: Partition): EpochMs {
  return startsAtHour === undefined ? 0 : endOf(end) + startsAtHour * 3_600_000;
}

/**
 * How long what a schedule has just let start may take, and what reads what that writes: each of four
 * attempts may hang for its two hours, and wait for a tick.
 */
const scheduledWithinMs = 10 * 3_600_000;

/**
 * Whether a task's time came so late, by its day, its schedule or that of a step before it, that it may
 * still be under way at rest.
 */
export function mayBeUnderWay(history: History, id: TaskId, at: EpochMs): boolean {
  const { step: of, start, end } = taskName(id);
  const step = history.wanted.at(-1)?.steps.find((one) => one.id === of);
  if (step === undefined) return false;
  if (step.uploads !== undefined) return at < endOf(end) + uploadedWithinMs;
  if (step.startsAtHour !== undefined && at < startsAtOf(step, end) + scheduledWithinMs)
    return true;
  const writers = step.inputs.flatMap((input) => {
    const writer = tableOf(history, input.table)?.writer ?? of;
    const { last } = neededDays(input, { start, end });
    return writer === of ? [] : [`${writer}@${dayText(last)}`];
  });
  const before = [...writers, ...step.after.map((one) => `${one}@${start}`)];
  return before.some((one) => mayBeUnderWay(history, one, at));
}

/** Every reason why a task may not run, by what is stored. */
export function unmet(
  history: History,
  step: WantedStep,
  { task, at }: { readonly task: Pick<Task, "start" | "end" | "id">; readonly at: EpochMs },
): string[] {
  const inputs = step.inputs.flatMap((input) => inputUnmet(history, input, { task, at }));
  const after = step.after.flatMap((id) => {
    const before = history.tasks.get(`${id}@${task.start}`)?.state.kind;
    return before === "succeeded" ? [] : [`${id}@${task.start} is ${before ?? "not begun"}`];
  });
  return [...inputs, ...after];
}

interface Asking {
  readonly task: Pick<Task, "start" | "end" | "id">;
  readonly at: EpochMs;
}

function inputUnmet(history: History, input: WantedInput, { task, at }: Asking): string[] {
  const { first, last } = neededDays(input, task);
  const table = tableOf(history, input.table);
  if (table === undefined) return [];
  const lastDay = dayText(last);
  const what = `${input.table}@${lastDay}`;
  const landing = knownLanding(history, input.table, lastDay);
  if (landing === null) return [`${what} had not landed`];
  if (landing.state === "gone") return [`${what} is gone`];
  if (!touchesOf(history, input.table, lastDay).some(({ there }) => there)) {
    return [`${what} never was in the lake`];
  }
  const problems: string[] = [];
  if (!isClosed(history, table.closing, { table: input.table, day: lastDay, landing, at })) {
    problems.push(`${what} is open (${table.closing.when})`);
  }
  const writer =
    table.writer === null ? undefined : history.tasks.get(`${table.writer}@${lastDay}`);
  const writing = ["ready", "launching", "running", "cancelling", "retrying"];
  if (writer !== undefined && writing.includes(writer.state.kind)) {
    problems.push(`${writer.id}, which writes it, is ${writer.state.kind}`);
  }
  if (writer?.state.kind === "failed" && landing.at <= writer.state.at) {
    problems.push(`${writer.id}, which writes it, failed`);
  }
  if (table.holes === "wait" && first !== null) {
    const known = history.firstDays.get(input.table);
    const from = Math.max(first, known === undefined ? first : dayNumber(known));
    for (const day of daysFrom(from, last - 1)) {
      if (knownLanding(history, input.table, day)?.state !== "landed") {
        problems.push(`${input.table}@${day} is missing in its window`);
      }
    }
  }
  return problems;
}

interface Landed {
  readonly table: string;
  readonly day: Partition;
  readonly landing: { readonly at: EpochMs };
  readonly at: EpochMs;
}

/** Whether nothing more is expected of a day that landed. */
export function isClosed(
  history: History,
  closing: Closing,
  { table, day, landing, at }: Landed,
): boolean {
  switch (closing.when) {
    case "at-landing":
      return true;
    case "at-end":
      return at + slackMs >= Math.max(endOf(day) + closing.delayMs, landing.at + closing.settleMs);
    case "next":
      return knownLanding(history, table, dayText(dayNumber(day) + 1))?.state === "landed";
    case "marker":
    case "manual":
      return true;
  }
}

/** Whether the task of a name could run now, by what is stored and by its schedule. */
export function couldRun(history: History, id: string, at: EpochMs): boolean {
  const { step, start, end } = taskName(id);
  const wanted = history.wanted.at(-1)?.steps.find((one) => one.id === step);
  if (wanted === undefined || startsAtOf(wanted, end) > at) return false;
  return unmet(history, wanted, { task: { id, start, end }, at }).length === 0;
}
