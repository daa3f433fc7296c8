import type { JobUsage } from "../schemas/events.ts";

const hourS = 3_600;

/**
 * What a job used, in the units it is billed by: `1.25 DCU hours, 3.4 GB hours of shuffle storage`.
 * Three digits of each; null when nothing was counted.
 */
export function usageText(usage: JobUsage): string | null {
  const { vcoreSeconds, memoryMbSeconds, milliDcuSeconds, shuffleStorageGbSeconds } = usage;
  const counts: readonly (readonly [number | undefined, number, string])[] = [
    [vcoreSeconds, hourS, "vcore hours"],
    [memoryMbSeconds, 1_024 * hourS, "GB hours of memory"],
    [milliDcuSeconds, 1_000 * hourS, "DCU hours"],
    [shuffleStorageGbSeconds, hourS, "GB hours of shuffle storage"],
  ];
  const told = counts.flatMap(([count, perUnit, unit]) =>
    count === undefined ? [] : [`${Number((count / perUnit).toPrecision(3))} ${unit}`],
  );
  return told.length === 0 ? null : told.join(", ");
}
