import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import {
  type EpochMs,
  type Partition,
  type StepId,
  type TableName,
  taskId,
} from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { addDays, dayMs, partitionAt, partitionEndMs } from "../dates.ts";
import type { View } from "../draft.ts";
import { landingOf, landingsId } from "../landings.ts";
import { inputRange } from "../partitions.ts";
import type { PlanIndex } from "../plan-index.ts";
import { single } from "../readiness.ts";
import { earliestLaunch } from "../schedule.ts";
import { STATUS } from "../status.ts";
import type { Signal } from "./signals.ts";

/** Something that should be so by now. Once it is so it stays so: its documents are read no more. */
export interface Expectation {
  /** Names it, and the day it is about. */
  readonly key: string;
  readonly documents: readonly DocumentId[];
  readonly met: (view: View) => boolean;
  readonly signal: (view: View) => Signal;
  /** The step without whose earlier success nothing is expected yet. */
  readonly afterFirst?: StepId;
}

export interface Expecting {
  readonly plan: PlanIndex;
  readonly settings: AlertSettings;
  readonly now: EpochMs;
}

/** All that should be so at a moment: of each step and table only the newest day that is due. */
export function expectations(expecting: Expecting): Expectation[] {
  const scheduled = expecting.plan.plan.steps.filter(({ schedule }) => schedule !== null);
  return [
    ...scheduled.flatMap((step) => doneInTime(expecting, step)),
    ...scheduled.flatMap((step) => servedFresh(expecting, step)),
    ...landedInTime(expecting, scheduled),
  ];
}

/** The newest day that ended at least so many hours ago. */
function newestDue(now: EpochMs, hours: number): Partition {
  return partitionAt(now - hours * hourMs - dayMs);
}

const hourMs = 3_600_000;

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

/** External tables, each once per team that reads it: at the latest partition a due day reads. */
function landedInTime(expecting: Expecting, scheduled: readonly PlanStep[]): Expectation[] {
  const wanted = new Map<string, Wanted>();
  for (const step of scheduled) {
    for (const one of wantedBy(expecting, step)) {
      const name = `${one.team} ${one.table}`;
      const known = wanted.get(name);
      const readers = [...(known?.readers ?? []), step.id];
      const latest = known !== undefined && known.partition > one.partition ? known : one;
      wanted.set(name, { ...latest, readers });
    }
  }
  return [...wanted.values()].map(lands);
}

interface Wanted {
  readonly team: string;
  readonly table: TableName;
  readonly partition: Partition;
  readonly dueAt: EpochMs;
  readonly hours: number;
  readonly readers: readonly StepId[];
}

function wantedBy({ plan, settings, now }: Expecting, step: PlanStep): Wanted[] {
  return step.inputs.flatMap((input) => {
    const { table } = input;
    if (plan.producerOf(table) !== undefined) return [];
    const hours = own(settings.late.tables, table) ?? settings.late.hours;
    if (hours === null) return [];
    const day = newestDue(now, hours);
    const partition = inputRange(single(day), input)?.end;
    if (partition === undefined) return [];
    const dueAt = partitionEndMs(day) + hours * hourMs;
    return [{ team: step.team, table, partition, dueAt, hours, readers: [] }];
  });
}

function lands({ team, table, partition, dueAt, hours, readers }: Wanted): Expectation {
  const waiting = [...new Set(readers)];
  return {
    key: `dependency-late ${team} ${table}@${partition}`,
    documents: [landingsId(table, partition)],
    met: (view) => landingOf(view, table, partition)?.state === "landed",
    signal: () => ({
      kind: "dependency-late",
      team,
      subject: table,
      cause: "",
      line: `${table}@${partition}: not there ${hours} h after the day it is for; read by ${some(waiting)}`,
      since: dueAt,
    }),
  };
}

const namedMax = 3;

function some(names: readonly string[]): string {
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function own<T>(map: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
