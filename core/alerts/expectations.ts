import { type Partition, taskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { addDays, hourMs, partitionAt, partitionEndMs } from "../dates.ts";
import type { View } from "../draft.ts";
import { own } from "../own.ts";
import { single } from "../readiness.ts";
import { earliestLaunch } from "../schedule.ts";
import { STATUS } from "../status.ts";
import { type Expectation, type Expecting, newestDue } from "./expectation.ts";
import { landedInTime } from "./late.ts";

/**
 * All that should be so at a moment: of each step and table only the newest day that is due, and of
 * tables those that an alert is open for.
 */
export function expectations(expecting: Expecting): Expectation[] {
  const scheduled = expecting.plan.plan.steps.filter(({ schedule }) => schedule !== null);
  return [
    ...scheduled.flatMap((step) => doneInTime(expecting, step)),
    ...scheduled.flatMap((step) => servedFresh(expecting, step)),
    ...landedInTime(expecting, scheduled),
  ];
}

function doneInTime({ settings, now }: Expecting, step: PlanStep): Expectation[] {
  const hours = own(settings.sla.teams, step.team) ?? own(settings.sla.modes, step.mode);
  const promised = hours ?? settings.sla.hours;
  if (promised === null) return [];
  const day = newestDue(now, promised);
  const launchAt = earliestLaunch(step, single(day));
  if (launchAt !== null && launchAt > now) return [];
  const task = taskId(step.id, single(day));
  const state = (view: View) => view.get(`tasks/${task}`)?.state.kind;
  return [
    {
      key: `sla-missed ${task}`,
      documents: [`tasks/${task}`],
      met(view) {
        const kind = state(view);
        return kind !== undefined && kind !== "failed" && STATUS[kind].terminal;
      },
      signal: (view) => ({
        kind: "sla-missed",
        team: step.team,
        subject: step.id,
        cause: "",
        line: `${task}: not done ${promised} h after its day; ${view.get(`tasks/${task}`)?.why ?? "not begun"}`,
        since: partitionEndMs(day) + promised * hourMs,
        task,
      }),
    },
  ];
}

/** Of a GroupBy that was uploaded before: the batch that is served is not too old. */
function servedFresh({ settings, now }: Expecting, step: PlanStep): Expectation[] {
  if (step.mode !== "upload-to-kv") return [];
  const hours = settings.servingHours;
  const stale = newestDue(now, hours);
  const days: Partition[] = [];
  for (let day = addDays(stale, 1); day <= partitionAt(now); day = addDays(day, 1)) days.push(day);
  const tasks = days.map((day) => taskId(step.id, single(day)));
  return [
    {
      key: `serving-stale ${step.id} after ${stale}`,
      documents: tasks.map((id) => `tasks/${id}` as const),
      met: (view) => tasks.some((id) => view.get(`tasks/${id}`)?.state.kind === "succeeded"),
      afterFirst: step.id,
      signal: () => ({
        kind: "serving-stale",
        team: step.team,
        subject: step.config,
        cause: "",
        line: `${step.config}: no batch of a day after ${stale} is loaded; features expire 5 days after theirs`,
        since: partitionEndMs(stale) + hours * hourMs,
      }),
    },
  ];
}
