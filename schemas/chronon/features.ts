import { z } from "zod";
import { MetaData } from "./metadata.ts";
import { Accuracy, Flag, optional, Window } from "./primitives.ts";

/** `api.thrift` Query: what of a source is read. Partitions are in the source's own format. */
export const Query = z.looseObject({
  startPartition: optional(z.string()),
  endPartition: optional(z.string()),
  partitionColumn: optional(z.string()),
  partitionFormat: optional(z.string()),
  partitionInterval: optional(Window),
  partitionLag: optional(Window),
  subPartitionsToWaitFor: optional(z.array(z.string())),
});
export type Query = Readonly<z.infer<typeof Query>>;

export const EventSource = z.looseObject({
  table: z.string(),
  topic: optional(z.string()),
  query: optional(Query),
  isCumulative: optional(Flag),
});
export type EventSource = Readonly<z.infer<typeof EventSource>>;

export const EntitySource = z.looseObject({
  snapshotTable: z.string(),
  mutationTable: optional(z.string()),
  mutationTopic: optional(z.string()),
  query: optional(Query),
});
export type EntitySource = Readonly<z.infer<typeof EntitySource>>;

/** A source that is the output of a join, which is embedded whole. */
export const JoinSource = z.looseObject({
  get join() {
    return Join;
  },
  query: optional(Query),
});
export type JoinSource = Readonly<z.infer<typeof JoinSource>>;

/** A thrift union: one of its fields is set. */
export const Source = z.looseObject({
  events: optional(EventSource),
  entities: optional(EntitySource),
  get joinSource() {
    return JoinSource.nullish();
  },
});
export type Source = Readonly<z.infer<typeof Source>>;

const Aggregation = z.looseObject({ windows: optional(z.array(Window)) });

/** `api.thrift` GroupBy; `backfillStartDate` is of the old schema only. */
export const GroupBy = z.looseObject({
  metaData: optional(MetaData),
  get sources() {
    return z.array(Source).min(1, { error: "expected at least one source" });
  },
  aggregations: optional(z.array(Aggregation)),
  accuracy: optional(Accuracy),
  backfillStartDate: optional(z.string()),
});
export type GroupBy = Readonly<z.infer<typeof GroupBy>>;

const BootstrapPart = z.looseObject({ table: z.string(), query: optional(Query) });

/** `api.thrift` Join. Its parts embed their GroupBys whole. */
export const Join = z.looseObject({
  metaData: optional(MetaData),
  get left() {
    return Source;
  },
  get joinParts() {
    return z.array(z.looseObject({ groupBy: GroupBy })).nullish();
  },
  bootstrapParts: optional(z.array(BootstrapPart)),
});
export type Join = Readonly<z.infer<typeof Join>>;
