import { z } from "zod";
import { EpochMs, Partition, TableName, TaskId } from "./ids.ts";

/** What can be wrong. What each means for people is the `KINDS` table in `core/alerts/kinds.ts`. */
export const AlertKind = z.enum([
  "step-failed",
  "nothing-written",
  "dependency-late",
  "sla-missed",
  "running-long",
  "serving-stale",
  "metadata-stale",
  "config-rejected",
  "dead-letter",
  "stream-down",
  "stream-flapping",
  "stream-duplicated",
  "stream-state-lost",
]);
export type AlertKind = z.infer<typeof AlertKind>;

/** As on-call tools count: P1 is the most urgent. */
export const Priority = z.enum(["P1", "P2", "P3", "P4", "P5"]);
export type Priority = z.infer<typeof Priority>;

/** What one route was told of an alert. */
export const Told = z.object({
  /** The last notice it took; null: none yet. */
  change: z.enum(["opened", "updated", "closed"]).nullable(),
  /** How many were concerned, as it was told. */
  count: z.number().int().min(0),
  at: EpochMs.nullable(),
  /** Since when it does not answer, and what happened; null: it answers. Sent later. */
  unsent: z.object({ since: EpochMs, reason: z.string() }).nullable(),
  /** Why it said no; null: it did not. */
  refused: z.string().nullable(),
});
export type Told = Readonly<z.infer<typeof Told>>;

/** A day of a table that is waited for. */
export const Awaited = z.object({ table: TableName, partition: Partition });
export type Awaited = Readonly<z.infer<typeof Awaited>>;

/**
 * Collection `alerts`, id `{key}`: something that is wrong, or that was and is not yet told to be
 * over. Only trackers write it.
 */
export const AlertDocument = z.object({
  schema: z.literal(1),
  key: z.string(),
  kind: AlertKind,
  team: z.string(),
  priority: Priority,
  state: z.enum(["open", "closed"]),
  /** One line. */
  summary: z.string(),
  /** A line each of the first few that are concerned. */
  details: z.array(z.string()),
  /** How many tasks, tables, configs or events are concerned. */
  count: z.number().int().min(1),
  /** The first few tasks: it is not over while one of them is still to end. */
  tasks: z.array(TaskId),
  /** Of `dependency-late`: the days it is about, each looked at until it is there. */
  awaited: z.array(Awaited).exactOptional(),
  since: EpochMs,
  /** Since when its cause is gone; null: it is there. */
  quietSince: EpochMs.nullable(),
  /** Route → what it was told. */
  routes: z.record(z.string(), Told),
});
export type AlertDocument = Readonly<z.infer<typeof AlertDocument>>;

/** Collection `alerting`, id `open`: the keys of all documents in `alerts`, so that none is scanned for. */
export const AlertingDocument = z.object({
  schema: z.literal(1),
  keys: z.array(z.string()),
});
export type AlertingDocument = Readonly<z.infer<typeof AlertingDocument>>;
