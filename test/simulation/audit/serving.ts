import type { EpochMs, Partition } from "../../../schemas/ids.ts";
import type { TraceEntry } from "../trace.ts";
import type { History } from "./history.ts";

/** A row of an older cell is there and never read. */
export function rowLoaded(
  { served }: History,
  { config, day, cellDay, at }: Extract<TraceEntry, { kind: "online-rows" }>,
): void {
  const rows = served.get(config) ?? [];
  served.set(config, rows);
  const newest = rows.at(-1)?.cellDay ?? "";
  if (cellDay >= newest) rows.push({ day, cellDay, from: at });
}

/** Whether the row that is read said at some time since then that the day, or a newer one, is served. */
export function wasServed(
  { served }: History,
  config: string,
  { day, since }: { readonly day: Partition; readonly since: EpochMs },
): boolean {
  const rows = served.get(config) ?? [];
  return rows.some((row, nth) => {
    const until = rows[nth + 1]?.from ?? Number.POSITIVE_INFINITY;
    return until >= since && row.day === row.cellDay && row.day >= day;
  });
}
