import type { EpochMs } from "../schemas/ids.ts";
import type { LandingsDocument } from "../schemas/landings.ts";
import { partitionEndMs } from "./dates.ts";

/** How long ago the newest day that landed in these months was over; null where none landed. */
export function freshnessMs(months: readonly LandingsDocument[], now: EpochMs): number | null {
  const landed = months.flatMap(({ partitions }) =>
    Object.entries(partitions).flatMap(([day, { state }]) => (state === "landed" ? [day] : [])),
  );
  const newest = landed.toSorted().at(-1);
  return newest === undefined ? null : now - partitionEndMs(newest);
}
