import type { BackfillRequested, Command, CommandDocument } from "../schemas/commands.ts";
import type { PartitionRange, TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { commandedBecause } from "./commanded.ts";
import { countDays, daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { cancelling, unborn } from "./evaluate.ts";
import { landingOf, landingsIds } from "./landings.ts";
import { outcomeForRows } from "./metadata-asked.ts";
import { missingSteps, stepsOf } from "./partitions.ts";
import { isLive, STATUS } from "./status.ts";
import { outcomeForStream } from "./streams/asked.ts";

const backfillDaysMax = 3_660;
/** A range's claim reads a document a day, and a commit has a bound. */
const stepDaysMax = 180;

/** What comes of a command: which tasks it asks for, or why it cannot be done. Throws `Unread`. */
export function outcomeOf(deciding: Deciding, command: Command): CommandDocument["outcome"] {
  switch (command.kind) {
    case "backfill-requested":
      return backfill(deciding, command);
    case "stream-deploy":
    case "stream-stop":
      return outcomeForStream(deciding, command);
    case "metadata-delete":
      return outcomeForRows(deciding, command);
    case "task-retry":
    case "task-cancel": {
      const state = deciding.draft.get(`tasks/${command.task}`)?.state.kind;
      if (state === undefined) {
        return { kind: "refused", reason: `there is no task ${command.task}` };
      }
      if (command.kind === "task-retry" && !STATUS[state].terminal) {
        return { kind: "refused", reason: `${command.task} has not ended: it is ${state}` };
      }
      if (command.kind === "task-cancel" && STATUS[state].terminal) {
        return { kind: "refused", reason: `${command.task} has ended: it is ${state}` };
      }
      return { kind: "accepted", tasks: [command.task] };
    }
  }
}

function backfill(deciding: Deciding, command: BackfillRequested): CommandDocument["outcome"] {
  const { target, start, end } = command;
  const refused = (reason: string) => ({ kind: "refused" as const, reason });
  const step = deciding.plan.step(target) ?? deciding.plan.step(`${target}/backfill`);
  if (step === undefined) return refused(`no step or config of the plan is called ${target}`);
  if (start > end) return refused(`the range ends before it starts: ${start}..${end}`);
  const days = countDays({ start, end });
  if (days > backfillDaysMax)
    return refused(`${days} days are more than ${backfillDaysMax} at once`);
  const ranges = rangesToFill(deciding, step, { start, end });
  return { kind: "accepted", tasks: ranges.map((range) => taskId(step.id, range)) };
}

/** A step that fills skips what exists, so only what is missing is asked for; others do it all. */
function rangesToFill(deciding: Deciding, step: PlanStep, range: PartitionRange): PartitionRange[] {
  const { output } = step;
  const stepDays = Math.min(step.stepDays, stepDaysMax);
  if (step.effect !== "fills" || output === undefined) return stepsOf(range, stepDays);
  deciding.draft.need(landingsIds(output, range));
  const there = daysIn(range).filter(
    (day) => landingOf(deciding.draft, output, day)?.state === "landed",
  );
  return missingSteps(range, new Set(there), stepDays);
}

/**
 * The task after a command asked for it; the same object when it asked before. What has ended
 * starts a new run (I7), what lives or waits goes on as it is.
 */
export function asked(deciding: Deciding, id: TaskId, command: Command): Task | null {
  const before = deciding.draft.get(`tasks/${id}`);
  if (before?.requestedBy.includes(command.id) === true) return before;
  if (command.kind === "task-cancel")
    return before === null ? null : ended(deciding, before, command);
  const { step: stepId, range } = parseTaskId(id);
  const step = deciding.plan.step(stepId);
  if (step === undefined) return before;
  const task = before ?? unborn(deciding, step, range);
  const marked = { ...task, requestedBy: requests(task, command) };
  if (before !== null && !STATUS[before.state.kind].terminal) return marked;
  const because = commandedBecause(command);
  const since = deciding.now;
  return { ...marked, state: { kind: "ready", since, because }, why: because, wakeAt: since };
}

const requestsKept = 20;

function requests(task: Task, command: Command): string[] {
  return [...task.requestedBy, command.id].slice(-requestsKept);
}

function ended(deciding: Deciding, task: Task, command: Command): Task {
  const { state } = task;
  const { now } = deciding;
  const marked = { ...task, requestedBy: requests(task, command), queuedFor: null };
  if (STATUS[state.kind].terminal) return marked;
  if (!isLive(state)) {
    const run = task.runs.at(-1)?.run ?? 1;
    return {
      ...marked,
      state: { kind: "cancelled", run, at: now },
      why: `cancelled by ${command.by}`,
      wakeAt: null,
    };
  }
  const why = `being cancelled by ${command.by}`;
  return cancelling(deciding, marked, { reason: "command", why });
}
