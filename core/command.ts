import type { BackfillRequested, Command, CommandDocument } from "../schemas/commands.ts";
import type { PartitionRange, TaskId } from "../schemas/ids.ts";
import { parseTaskId, taskId } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Task } from "../schemas/tasks.ts";
import { askAgainAt } from "./claim.ts";
import { countDays, daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { unborn } from "./evaluate.ts";
import { landingOf, landingsIds } from "./landings.ts";
import { missingSteps, stepsOf } from "./partitions.ts";
import { isLive, STATUS } from "./status.ts";

const backfillDaysMax = 3_660;

/** What comes of a command: which tasks it asks for, or why it cannot be done. Throws `Unread`. */
export function outcomeOf(deciding: Deciding, command: Command): CommandDocument["outcome"] {
  switch (command.kind) {
    case "backfill-requested":
      return backfill(deciding, command);
    case "task-retry":
    case "task-cancel": {
      if (deciding.draft.get(`tasks/${command.task}`) !== null) {
        return { kind: "accepted", tasks: [command.task] };
      }
      return { kind: "refused", reason: `there is no task ${command.task}` };
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
  if (step.effect !== "fills" || output === undefined) return stepsOf(range, step.stepDays);
  deciding.draft.need(landingsIds(output, range));
  const there = daysIn(range).filter(
    (day) => landingOf(deciding.draft, output, day)?.state === "landed",
  );
  return missingSteps(range, new Set(there), step.stepDays);
}

/**
 * The task after a command asked for it; the same object when it asked before. What has ended
 * starts a new run (I7), what lives or waits goes on as it is.
 */
export function asked(deciding: Deciding, id: TaskId, command: Command): Task | null {
  const before = deciding.draft.get(`tasks/${id}`);
  if (before?.requestedBy === command.id) return before;
  if (command.kind === "task-cancel")
    return before === null ? null : ended(deciding, before, command);
  const { step: stepId, range } = parseTaskId(id);
  const step = deciding.plan.step(stepId);
  if (step === undefined) return before;
  const task = before ?? unborn(deciding, step, range);
  const marked = { ...task, requestedBy: command.id };
  if (before !== null && !STATUS[before.state.kind].terminal) return marked;
  const because = `${command.kind === "task-retry" ? "retry" : "backfill"} by ${command.by}`;
  const since = deciding.now;
  return { ...marked, state: { kind: "ready", since, because }, why: because, wakeAt: since };
}

function ended(deciding: Deciding, task: Task, command: Command): Task {
  const { state } = task;
  const { now } = deciding;
  const marked = { ...task, requestedBy: command.id, queuedFor: null };
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
  const { run, attempt, jobId } = state;
  return {
    ...marked,
    state: { kind: "cancelling", run, attempt, jobId, reason: "command", since: now },
    why: `being cancelled by ${command.by}`,
    wakeAt: askAgainAt(now),
  };
}
