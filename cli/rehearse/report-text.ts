import pc from "picocolors";
import { partitionEndMs } from "../../core/dates.ts";
import { type Partition, parseTaskId, type TaskId } from "../../schemas/ids.ts";
import type { Task } from "../../schemas/tasks.ts";
import { tableOf } from "../text-table.ts";
import type { Rehearsed } from "./machine.ts";
import { type Report, spanOf } from "./report.ts";

const barWidth = 40;

/** A report for people: the slowest day of each pipeline as a timeline, pools, what is stuck. */
export function reportText(report: Report, { tasks }: Pick<Rehearsed, "tasks">): string {
  const known = new Map(tasks.map((task) => [task.id, task]));
  return [
    ...report.pipelines.map((pipeline) => timeline(pipeline, known)),
    poolsText(report),
    stuckText(report),
    summary(report),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

type Pipeline = Report["pipelines"][number];

/** The critical path as bars on the hours after its day. */
function timeline(
  { name, tasks, criticalPath, hours }: Pipeline,
  known: ReadonlyMap<TaskId, Task>,
): string {
  const day = criticalPath.at(-1) === undefined ? null : dayOfTask(criticalPath.at(-1) as TaskId);
  const head = `${pc.bold(name)}  ${tasks} tasks`;
  if (day === null) return `${head}, none of them ran`;
  const over = partitionEndMs(day);
  const spans = criticalPath.map((id) => {
    const task = known.get(id);
    return { id, span: task === undefined ? null : spanOf(task) };
  });
  const begins = Math.min(over, ...spans.map(({ span }) => span?.from ?? over));
  const ends = Math.max(...spans.map(({ span }) => span?.to ?? over));
  const scale = (at: number) => Math.round(((at - begins) / Math.max(1, ends - begins)) * barWidth);
  const lines = spans.map(({ id, span }) => {
    if (span === null) return `  ${" ".repeat(barWidth)}  ${id}`;
    const [from, to] = [scale(span.from), scale(span.to)];
    const bar = `${" ".repeat(Math.min(from, barWidth - 1))}${"━".repeat(Math.max(1, to - from))}`;
    return `  ${bar.padEnd(barWidth)}  ${hhmm(span.from)}–${hhmm(span.to)}  ${id}`;
  });
  const after = hours < 0 ? `${-hours} h before` : `${hours} h after`;
  return [`${head}, slowest day ${day}: done ${after} it was over`, ...lines].join("\n");
}

function dayOfTask(id: TaskId): Partition {
  return parseTaskId(id).range.end;
}

function hhmm(at: number): string {
  return new Date(at).toISOString().slice(11, 16);
}

function poolsText({ pools }: Report): string {
  if (pools.length === 0) return "";
  const table = tableOf({ pool: 40, limit: 8, "peak of jobs": 14 });
  for (const { name, limit, peak } of pools) {
    table.add({ pool: name, limit: String(limit), "peak of jobs": String(peak) });
  }
  return table.render();
}

/** Days of a step that are stuck for the same reason are one row. */
function stuckText({ stuck }: Report): string {
  if (stuck.length === 0) return "";
  const groups = new Map<string, { step: string; why: string; days: Partition[] }>();
  for (const { task, why } of stuck) {
    const { step, range } = parseTaskId(task);
    const alike = why.replaceAll(/@\d{4}-\d\d-\d\d/g, "");
    const key = `${step} ${alike}`;
    const group = groups.get(key) ?? { step, why: alike, days: [] };
    groups.set(key, group);
    group.days.push(range.start);
  }
  const table = tableOf({ "would not run": 40, days: 12, why: 44 });
  for (const { step, why, days } of groups.values()) {
    table.add({ "would not run": step, days: daysText(days), why });
  }
  return table.render();
}

function daysText(days: readonly Partition[]): string {
  const [first = ""] = days;
  return days.length === 1 ? first : `${days.length}, from ${first}`;
}

function summary({ from, to, tasks, stuck, wallMs }: Report): string {
  const counts = Object.entries(tasks).map(([state, n]) => `${n} ${state}`);
  const all = counts.length === 0 ? "no tasks" : counts.join(", ");
  const end = stuck.length === 0 ? "nothing is stuck" : `${stuck.length} would not run`;
  return `${from} to ${to}: ${all}; ${end}. Rehearsed in ${(wallMs / 1_000).toFixed(1)} s; times are UTC.`;
}
