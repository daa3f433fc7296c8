import { partitionAt } from "../../core/dates.ts";
import type { Seen } from "../../core/facts.ts";
import type { Nudge } from "../../core/work.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { Partition, TableName, TaskId } from "../../schemas/ids.ts";
import type { Dispatching } from "./dispatching.ts";
import { storeRecreated } from "./facts.ts";

/** What events ask to be looked at, beside what their facts tell. */
export function eventNudges(event: LandfallEvent): Nudge[] {
  if (event.kind === "job-settled") return [{ kind: "settled", event }];
  return "by" in event ? [{ kind: "command", command: event }] : [];
}

export function landedNudges(told: readonly Seen[]): Nudge[] {
  const backlog = new Map<TableName, Partition[]>();
  const nudges: Nudge[] = [];
  for (const { table, partition, backlog: wasThere } of told) {
    if (!wasThere) nudges.push({ kind: "landed", table, partition });
    else backlog.set(table, [...(backlog.get(table) ?? []), partition]);
  }
  for (const [table, partitions] of backlog) nudges.push({ kind: "backlog", table, partitions });
  return nudges;
}

/** Stores that tables were made anew; answers what is to be looked at because it is gone. */
export async function tablesMadeAnew(
  { looking }: Dispatching,
  events: readonly LandfallEvent[],
): Promise<Nudge[]> {
  const nudges: Nudge[] = [];
  for (const event of events) {
    if (event.kind !== "table-recreated") continue;
    const { table } = event;
    for (const partition of await storeRecreated(looking, event)) {
      nudges.push({ kind: "landed", table, partition });
    }
  }
  return nudges;
}

/** What the passing of time may have moved: tasks whose `wakeAt` has come, and new days. */
export async function timeNudges(state: Dispatching): Promise<Nudge[]> {
  const { clock, store } = state.ports;
  const plan = state.plans.current()?.plan;
  const due = await store.dueTasks(clock.now(), dueMax);
  const woken = new Set([...due, ...submittedLongAgo(state)]);
  const nudges: Nudge[] = [...woken].map((task) => ({
    kind: "woken",
    task,
    submitted: state.executing.submitted.get(task)?.jobId ?? null,
  }));
  nudges.push(...(await state.queues.turns()), ...state.givenUp.nudges());
  if (plan === undefined || dayOfPlan(state) === state.dueNudged) return nudges;
  const alone = plan.steps.filter((step) => step.schedule !== null && step.inputs.length === 0);
  return [...nudges, ...alone.map((step): Nudge => ({ kind: "due", step: step.id }))];
}

const dueMax = 1_000;

/**
 * What this dispatcher submitted and nobody stored as running yet. Ticks come to any dispatcher: when a
 * claim's time is up another one would claim it again, and submit a job that runs. So whoever knows
 * better says so before that.
 */
export function submittedLongAgo({ executing, ports }: Dispatching): TaskId[] {
  const before = ports.clock.now() - ports.settings.submitWithinMs * storedAfterShare;
  return [...executing.submitted].flatMap(([task, { at }]) => (at <= before ? [task] : []));
}

/** Of the time a claim has to be submitted, the part after which that it was is stored. Short jobs end before. */
const storedAfterShare = 0.5;

/** The plan and day for which steps without inputs are nudged once. */
export function dayOfPlan({ plans, ports }: Dispatching): string {
  return `${plans.current()?.plan.hash}@${partitionAt(ports.clock.now())}`;
}
