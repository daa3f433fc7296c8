import { Cron } from "croner";
import type { EpochMs, Partition, PartitionRange } from "../schemas/ids.ts";
import type { PlanStep } from "../schemas/plan.ts";
import { addDays, partitionAt, partitionEndMs } from "./dates.ts";

/**
 * The earliest moment a step may start for a range: the first firing of its cron, in UTC, at or
 * after the end of the range. Null for `@daily` and steps without a schedule: as soon as complete.
 */
export function earliestLaunch(step: PlanStep, range: PartitionRange): EpochMs | null {
  if (step.schedule === null || step.schedule.startsWith("@")) return null;
  const justBefore = `${range.end}T23:59:59Z`;
  const fires = new Cron(step.schedule, { timezone: "UTC" }).nextRun(justBefore);
  return fires?.getTime() ?? null;
}

/** Whether a step's team wants nothing done for a range unless somebody asks for it. */
export function isBeforeStart({ from }: PlanStep, { start }: PartitionRange): boolean {
  return from !== undefined && start < from;
}

/**
 * Partitions of a step without inputs whose day is over and that its cursor has not passed, at
 * most a month of them. Without a cursor only the last one: nothing is filled unasked.
 */
export function dueWithoutInputs(cursor: Partition | null, now: EpochMs): Partition[] {
  const newest = addDays(partitionAt(now), -1);
  if (partitionEndMs(newest) > now) return [];
  if (cursor === null) return [newest];
  const due: Partition[] = [];
  for (let day = addDays(cursor, 1); day <= newest && due.length < daysMax; day = addDays(day, 1)) {
    due.push(day);
  }
  return due;
}

const daysMax = 31;
