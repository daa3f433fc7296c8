import type { Partition, PartitionRange } from "../schemas/ids.ts";
import type { PlanInput } from "../schemas/plan.ts";
import { addDays, countDays, dayOf, daysIn, partitionOf } from "./dates.ts";
import { offsetDays } from "./durations.ts";

/** What of an input the two range functions look at. */
export type Dependency = Pick<
  PlanInput,
  "startOffset" | "endOffset" | "startCutOff" | "endCutOff" | "cumulative"
>;

/** An inclusive range that may have no beginning: everything there is up to `end`. */
export interface OpenRange {
  readonly start: Partition | null;
  readonly end: Partition;
}

/**
 * The partitions of an input that outputs of a range read, or null when it needs none: its
 * cut-offs leave nothing. A cumulative input is read at one partition, the latest: `latest` when
 * given, else the one of the range's end, so that the answer does not move as days pass.
 * Chronon: `DependencyResolver.computeInputRange`.
 */
export function inputRange(
  outputs: PartitionRange,
  input: Dependency,
  latest: Partition = outputs.end,
): OpenRange | null {
  const endDays = offsetDays(input.endOffset);
  if (input.cumulative === true) {
    const only = addDays(input.endCutOff ?? latest, -endDays);
    return { start: only, end: only };
  }
  const end = earlier(addDays(outputs.end, -endDays), input.endCutOff);
  const start =
    input.startOffset === null
      ? (input.startCutOff ?? null)
      : later(addDays(outputs.start, -offsetDays(input.startOffset)), input.startCutOff);
  return start !== null && start > end ? null : { start, end };
}

/**
 * The outputs that read some partition of a range of an input, or null when none does. With an
 * unbounded start every later output reads it too; the range then ends with the outputs whose last
 * input it holds, and the caller decides how much further to look. A cumulative input likewise.
 * Chronon: `DependencyResolver.computeOutputRange`, which does not look at cut-offs; here
 * partitions outside them reach nothing.
 */
export function outputRange(inputs: PartitionRange, input: Dependency): PartitionRange | null {
  const endDays = offsetDays(input.endOffset);
  if (input.cumulative === true) {
    return { start: addDays(inputs.start, endDays), end: addDays(inputs.end, endDays) };
  }
  const first = later(inputs.start, input.startCutOff);
  const last = earlier(inputs.end, input.endCutOff);
  if (first > last) return null;
  const reach = input.startOffset === null ? endDays : offsetDays(input.startOffset);
  const start = addDays(first, endDays);
  const end = addDays(last, reach);
  return start > end ? null : { start, end };
}

/** Consecutive partitions as ranges, oldest first; doubled ones count once. */
export function collapse(partitions: readonly Partition[]): PartitionRange[] {
  const ranges: { start: Partition; end: Partition }[] = [];
  for (const partition of [...partitions].sort()) {
    const current = ranges.at(-1);
    if (current !== undefined && partition <= addDays(current.end, 1)) current.end = partition;
    else ranges.push({ start: partition, end: partition });
  }
  return ranges;
}

/** A range cut into consecutive steps of `stepDays`; the last may be shorter. */
export function stepsOf(range: PartitionRange, stepDays: number): PartitionRange[] {
  const first = dayOf(range.start);
  const count = Math.ceil(countDays(range) / stepDays);
  return Array.from({ length: count }, (_, at) => ({
    start: partitionOf(first + at * stepDays),
    end: earlier(partitionOf(first + (at + 1) * stepDays - 1), range.end),
  }));
}

/**
 * The jobs that are still to be done for a range: what exists is left out, the rest is cut into
 * steps within each gap. Chronon: `DependencyResolver.getMissingSteps`.
 */
export function missingSteps(
  required: PartitionRange,
  existing: ReadonlySet<Partition>,
  stepDays: number,
): PartitionRange[] {
  const missing = daysIn(required).filter((day) => !existing.has(day));
  return collapse(missing).flatMap((range) => stepsOf(range, stepDays));
}

function earlier(a: Partition, b: Partition | undefined): Partition {
  return b !== undefined && b < a ? b : a;
}

function later(a: Partition, b: Partition | undefined): Partition {
  return b !== undefined && b > a ? b : a;
}
