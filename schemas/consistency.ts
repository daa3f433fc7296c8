import { z } from "zod";
import { EpochMs, Partition, TableName } from "./ids.ts";

const Count = z.number().int().min(0);

/** How often one feature was served as the offline join computes it. */
export const FeatureRates = z.object({
  feature: z.string(),
  /** Percent of what was compared that is the same, never rounded up; null: nothing was compared. */
  match: z.number().min(0).max(100).nullable(),
  /** Requests that were compared. */
  compared: Count,
  /** Both have a value, and not the same one. */
  mismatched: Count,
  /** Served with a value that the offline join has not. */
  onlineOnly: Count,
  /** Served without the value that the offline join has. */
  offlineOnly: Count,
  /** Neither has a value; counts as a match. */
  bothNull: Count,
});
export type FeatureRates = Readonly<z.infer<typeof FeatureRates>>;

/** Collection `consistency`, id `{join}@{partition}`: what a day's consistency check found. */
export const ConsistencyDocument = z.object({
  schema: z.literal(1),
  join: z.string(),
  team: z.string(),
  partition: Partition,
  /** Where it was read. */
  table: TableName,
  /** Rows of the day: one an hour in which requests were compared. */
  hours: Count,
  /** Percent over all features; null: nothing was compared. */
  match: FeatureRates.shape.match,
  /** How many features were compared. */
  compared: Count,
  /** The worst first, at most a thousand. */
  features: z.array(FeatureRates),
  at: EpochMs,
});
export type ConsistencyDocument = Readonly<z.infer<typeof ConsistencyDocument>>;
