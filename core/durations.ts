import { Temporal } from "temporal-polyfill";
import type { IsoDuration } from "../schemas/plan.ts";
import { dayMs } from "./dates.ts";
import { memo } from "./memo.ts";

/** Milliseconds of an offset of the plan. Each distinct text is parsed once. */
export const durationMs: (duration: IsoDuration) => number = memo(1_000, (duration) =>
  Temporal.Duration.from(duration).total("milliseconds"),
);

/**
 * Partitions an offset reaches. Offsets that are no whole number of days round up: going back 36
 * hours from a day ends in the second day before it (Chronon's `PartitionSpec.minus` truncates the
 * moment it reaches down to its partition).
 */
export function offsetDays(duration: IsoDuration): number {
  return Math.ceil(durationMs(duration) / dayMs);
}
