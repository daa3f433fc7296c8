import { Temporal } from "temporal-polyfill";
import { type EpochMs, Partition, type PartitionRange } from "../schemas/ids.ts";
import { memo } from "./memo.ts";

/** Length of a partition in milliseconds. */
export const dayMs = 86_400_000;
export const hourMs = 3_600_000;

const epoch = Temporal.PlainDate.from("1970-01-01");
const firstDay = epoch.until("0001-01-01").days;
const lastDay = epoch.until("9999-12-31").days;
/** Distinct days a process is expected to meet; more only cost time. */
const rememberedDays = 20_000;

/** Days from 1970-01-01 to a partition. Throws `RangeError` for a day no calendar has. */
export const dayOf: (partition: Partition) => number = memo(
  rememberedDays,
  (partition) => epoch.until(Temporal.PlainDate.from(partition)).days,
);

const partitionOfText: (day: string) => Partition = memo(rememberedDays, (day) =>
  epoch.add({ days: Number(day) }).toString(),
);

/**
 * The partition a number of days after 1970-01-01. Saturates at 0001-01-01 and 9999-12-31, so that
 * partitions always compare as text, whatever offset a config names.
 */
export function partitionOf(day: number): Partition {
  return partitionOfText(String(Math.min(Math.max(day, firstDay), lastDay)));
}

/** Whether a text is a day of the calendar written yyyy-MM-dd; 2025-02-30 is not. */
export function isPartition(text: string): boolean {
  if (!Partition.safeParse(text).success) return false;
  return partitionOf(dayOrZero(text)) === text;
}

function dayOrZero(text: string): number {
  try {
    return dayOf(text);
  } catch {
    return 0;
  }
}

/** The partition `days` after (or, when negative, before) another. */
export function addDays(partition: Partition, days: number): Partition {
  return days === 0 ? partition : partitionOf(dayOf(partition) + days);
}

/** How many partitions a range has; 0 when it ends before it starts. */
export function countDays(range: PartitionRange): number {
  return Math.max(0, dayOf(range.end) - dayOf(range.start) + 1);
}

/** Every partition of a range, oldest first. Empty when it ends before it starts. */
export function daysIn(range: PartitionRange): Partition[] {
  if (range.start === range.end) return [range.start];
  const first = dayOf(range.start);
  return Array.from({ length: countDays(range) }, (_, at) => partitionOf(first + at));
}

/** The moment a partition has ended: 00:00 UTC of the following day. */
export function partitionEndMs(partition: Partition): EpochMs {
  return (dayOf(partition) + 1) * dayMs;
}

/** The partition a moment lies in. */
export function partitionAt(at: EpochMs): Partition {
  return partitionOf(Math.floor(at / dayMs));
}
