import type { GroupBy, Join, Query, Source } from "../../schemas/chronon/features.ts";
import type { MetaData } from "../../schemas/chronon/metadata.ts";
import type { Window } from "../../schemas/chronon/primitives.ts";
import { distinct, type Read, type Reading, readOf } from "./reads.ts";
import { longest, sumOf } from "./windows.ts";

/** `api.thrift` DataModel. */
export type DataModel = "events" | "entities";

/** Names the output table of an embedded config; null, and an error, when it has no name. */
export interface SourceReading extends Reading {
  outputOf(metaData: MetaData | null | undefined, what: string): string | null;
}

const oneDay: Window = { length: 1, timeUnit: "days" };

/**
 * What a GroupBy on its own reads: `TableDependencies.fromGroupBy` without a left side. Of entities
 * it reads the snapshot of the day; mutations only matter to joins.
 */
export function groupByReads(groupBy: GroupBy, reading: SourceReading): Read[] {
  return distinct(partReads({ groupBy, reading }));
}

/**
 * What a join reads: `TableDependencies.fromJoin`. The left, every source of every part's embedded
 * GroupBy, and bootstrap tables; never the outputs of GroupBys as such.
 */
export function joinReads(join: Join, reading: SourceReading): Read[] {
  const left = modelOf(join.left);
  const { table, query, sourceJoin } = primaryOf(join.left, reading);
  const lag = query?.partitionLag ?? null;
  const ofLeft =
    table === null ? [] : readOf({ table, query, start: lag, end: lag, sourceJoin }, reading);
  return distinct([...ofLeft, ...rightReads(join, left, reading)]);
}

/**
 * What a join reads when it is computed again for logged requests, whatever its own left side is: the
 * log, which is of events, stands in its place (`ConsistencyJob.scala`, `buildComparisonJoin`).
 */
export function comparisonReads(join: Join, reading: SourceReading): Read[] {
  return distinct(rightReads(join, "events", reading));
}

function rightReads(join: Join, left: DataModel, reading: SourceReading): Read[] {
  const ofParts = (join.joinParts ?? []).flatMap(({ groupBy }) =>
    partReads({ groupBy, left, reading }),
  );
  const ofBootstraps = (join.bootstrapParts ?? []).flatMap(({ table, query }) => {
    const lag = query?.partitionLag ?? null;
    return readOf({ table, query, start: lag, end: lag }, reading);
  });
  return [...ofParts, ...ofBootstraps];
}

/** The model of a GroupBy's sources, which agree: Chronon asserts that. */
export function groupByModel(groupBy: GroupBy): DataModel {
  return groupBy.sources.some((source) => modelOf(source) === "events") ? "events" : "entities";
}

interface PartReading {
  readonly groupBy: GroupBy;
  readonly left?: DataModel;
  readonly reading: SourceReading;
}

function partReads(part: PartReading): Read[] {
  const { groupBy, reading } = part;
  if (new Set(groupBy.sources.map(modelOf)).size > 1) {
    reading.findings.error("a GroupBy's sources mix events and entities; Chronon refuses that");
  }
  return groupBy.sources.flatMap((source) => sourceReads(source, part));
}

function sourceReads(source: Source, { groupBy, left, reading }: PartReading): Read[] {
  const { table, query, sourceJoin } = primaryOf(source, reading);
  if (table === null) return [];
  const { findings } = reading;
  const lag = query?.partitionLag ?? null;
  const entities = source.entities ?? null;
  if (entities !== null && left === "events" && isTemporal(groupBy)) {
    const before = sumOf([oneDay, lag], findings);
    const snapshot = readOf({ table, query, start: before, end: before }, reading);
    const mutations = entities.mutationTable ?? null;
    if (mutations === null) return snapshot;
    return [...snapshot, ...readOf({ table: mutations, query, start: lag, end: lag }, reading)];
  }
  if (modelOf(source) === "entities") {
    return readOf({ table, query, start: lag, end: lag, sourceJoin }, reading);
  }
  const cumulative = source.events?.isCumulative === true;
  const window = cumulative ? null : maxWindow(groupBy);
  const start = window === null ? "unbounded" : sumOf([window, lag], findings);
  return readOf({ table, query, start, end: lag, cumulative, sourceJoin }, reading);
}

interface Primary {
  readonly table: string | null;
  readonly query: Query | null;
  readonly sourceJoin?: string | undefined;
}

/** The table a source is read from first: events, snapshot or the output of its join. */
function primaryOf(source: Source, reading: SourceReading): Primary {
  const { events, entities, joinSource } = source;
  const set = [events, entities, joinSource].filter((part) => part !== null && part !== undefined);
  if (set.length !== 1) {
    reading.findings.error(
      "a source must have exactly one of events, entities and joinSource; compile the config again",
    );
    return { table: null, query: null };
  }
  if (events !== null && events !== undefined) {
    return { table: events.table, query: events.query ?? null };
  }
  if (entities !== null && entities !== undefined) {
    return { table: entities.snapshotTable, query: entities.query ?? null };
  }
  const join = joinSource?.join.metaData;
  return {
    table: reading.outputOf(join, "the join it has as a source"),
    query: joinSource?.query ?? null,
    sourceJoin: join?.name ?? undefined,
  };
}

/** `SourceOps.dataModel`: a join's output has the model of its left side. */
function modelOf(source: Source): DataModel {
  if (source.joinSource !== null && source.joinSource !== undefined) {
    return modelOf(source.joinSource.join.left);
  }
  return source.entities === null || source.entities === undefined ? "events" : "entities";
}

/** What a GroupBy streams from; null when its accuracy is not temporal or nothing of it has a topic. */
export interface Streamed {
  readonly topic: string;
  /** The join whose output it is. */
  readonly parentJoin: string | null;
}

/** `GroupByOps.streamingSource`: the first source with a topic, for a GroupBy that is temporal. */
export function streamedBy(groupBy: GroupBy): Streamed | null {
  if (!isTemporal(groupBy)) return null;
  for (const source of groupBy.sources) {
    const topic = topicOf(source);
    if (topic === null) continue;
    return { topic, parentJoin: source.joinSource?.join.metaData?.name ?? null };
  }
  return null;
}

/** `GroupByOps.inferredAccuracy`: what is stored wins, else a topic anywhere means temporal. */
function isTemporal(groupBy: GroupBy): boolean {
  if (groupBy.accuracy !== null && groupBy.accuracy !== undefined) {
    return groupBy.accuracy === "temporal";
  }
  return groupBy.sources.some((source) => topicOf(source) !== null);
}

function topicOf(source: Source): string | null {
  const own = source.events?.topic ?? source.entities?.mutationTopic ?? null;
  const join = source.joinSource;
  return own ?? (join === null || join === undefined ? null : topicOf(join.join.left));
}

/** `GroupByOps.maxWindow`: null when some aggregation is unbounded or there is none. */
function maxWindow(groupBy: GroupBy): Window | null {
  const windows = (groupBy.aggregations ?? []).map((aggregation) => aggregation.windows ?? []);
  return windows.some((of) => of.length === 0) ? null : longest(windows.flat());
}
