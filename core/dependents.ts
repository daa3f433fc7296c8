import type { Partition, PartitionRange, StepId, TableName } from "../schemas/ids.ts";
import type { PlanInput, PlanStep } from "../schemas/plan.ts";
import { closingOf } from "./closing.ts";
import { addDays, countDays, daysIn, partitionAt } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { landingOf, landingsIds } from "./landings.ts";
import { inputRange, outputRange } from "./partitions.ts";
import { single } from "./readiness.ts";
import { dueWithoutInputs } from "./schedule.ts";

/** A step and the partition of it that something may have changed. */
export interface Concern {
  readonly step: PlanStep;
  readonly range: PartitionRange;
}

/**
 * The tasks a landed partition may concern: outputs whose input ranges hold it and whose own last
 * input partition is there. An unbounded start reaches only the newest of them.
 */
export function concernsOfLanding(
  deciding: Deciding,
  table: TableName,
  partition: Partition,
): Concern[] {
  if (isFarAhead(deciding, partition)) return [];
  const moved = [partition];
  if (closesByNext(deciding, table)) moved.unshift(addDays(partition, -1));
  return deciding.plan
    .readersOf(table)
    .filter(({ step }) => step.schedule !== null)
    .flatMap(({ step, input }) => {
      const days = moved.flatMap((day) => outputDays(deciding, input, day));
      return days.map((day) => ({ step, range: single(day) }));
    });
}

/** Whether a landing closes the day before it. */
function closesByNext(deciding: Deciding, table: TableName): boolean {
  const known = deciding.plan.tables.get(table);
  return known !== undefined && closingOf(deciding.settings, known).when === "next";
}

/**
 * The tasks that partitions concern which were there before Landfall looked: the newest of each
 * dependent step, and only if nothing newer of the table is known.
 */
export function concernsOfBacklog(
  deciding: Deciding,
  table: TableName,
  partitions: readonly Partition[],
): Concern[] {
  const newest = partitions
    .filter((day) => !isFarAhead(deciding, day))
    .reduce<Partition | null>((a, b) => (a !== null && a > b ? a : b), null);
  if (newest === null) return [];
  const today = partitionAt(deciding.now);
  const later = { start: addDays(newest, 1), end: today };
  if (later.start <= later.end) {
    deciding.draft.need(landingsIds(table, later));
    if (daysIn(later).some((day) => isLanded(deciding, table, day))) return [];
  }
  return newestConcerns(deciding, table, newest);
}

/**
 * The range of a step whose inputs are the newest that landed this month or the last, if any; of a step
 * without inputs the last day that is over.
 */
export function newestOf(deciding: Deciding, id: StepId): PartitionRange[] {
  const input = deciding.plan.step(id)?.inputs[0];
  if (input === undefined) return dueWithoutInputs(null, deciding.now).map(single);
  const today = partitionAt(deciding.now);
  const recent = { start: addDays(today, -31), end: today };
  deciding.draft.need(landingsIds(input.table, recent));
  const newest = daysIn(recent).findLast((day) => isLanded(deciding, input.table, day));
  const outputs = newest === undefined ? null : outputRange(single(newest), input);
  return outputs === null ? [] : [single(outputs.start)];
}

/** For each scheduled reader of a table, the one output whose last input partition is `newest`. */
function newestConcerns(deciding: Deciding, table: TableName, newest: Partition): Concern[] {
  return deciding.plan
    .readersOf(table)
    .filter(({ step }) => step.schedule !== null)
    .flatMap(({ step, input }) => {
      const outputs = outputRange(single(newest), input);
      return outputs === null ? [] : [{ step, range: single(outputs.start) }];
    });
}

/** How far ahead of today partitions may lie: a step that reads yesterday writes tomorrow early. */
const daysAhead = 31;

/** Whether a partition is no day that work is done for: 9999-12-31 holds what is valid until further notice. */
function isFarAhead({ now }: Deciding, partition: Partition): boolean {
  return partition > addDays(partitionAt(now), daysAhead);
}

/** Outputs of an input partition whose own last input can be there by now. */
function outputDays(deciding: Deciding, input: PlanInput, partition: Partition): Partition[] {
  const outputs = outputRange(single(partition), input);
  if (outputs === null) return [];
  const { start } = outputs;
  const unbounded = input.startOffset === null || input.cumulative === true;
  const wanted = unbounded ? addDays(start, deciding.settings.unboundedLookback - 1) : outputs.end;
  const newest = addDays(later(partition, partitionAt(deciding.now)), daysAhead);
  const reachable = addDays(newest, countDays({ start: partition, end: start }) - 1);
  const days = daysIn({ start, end: earlier(wanted, reachable) });
  const lastInput = (day: Partition) => inputRange(single(day), input)?.end ?? day;
  const last = later(partition, lastInput(days.at(-1) ?? start));
  deciding.draft.need(landingsIds(input.table, { start: partition, end: last }));
  const there = days.filter(
    (day) => day === start || isLanded(deciding, input.table, lastInput(day)),
  );
  return unbounded ? [...new Set([start, ...there.slice(-1)])] : there;
}

function earlier(a: Partition, b: Partition): Partition {
  return a < b ? a : b;
}

function later(a: Partition, b: Partition): Partition {
  return a > b ? a : b;
}

function isLanded(deciding: Deciding, table: TableName, day: Partition): boolean {
  return landingOf(deciding.draft, table, day)?.state === "landed";
}
