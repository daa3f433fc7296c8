import { z } from "zod";
import { AlertDocument, AlertingDocument } from "./alerts.ts";
import { CommandDocument } from "./commands.ts";
import { ConsistencyDocument } from "./consistency.ts";
import { TableName } from "./ids.ts";
import { JobMetricsDocument } from "./job-metrics.ts";
import { LandingsDocument, TableDocument } from "./landings.ts";
import { MetadataDocument, MetadataRowsDocument } from "./metadata.ts";
import { PlanDocument } from "./plan.ts";
import { StreamDocument, StreamingDocument } from "./streams.ts";
import { PoolDocument, ScheduleDocument, Task } from "./tasks.ts";

/**
 * Collection `cursors`, id `{table}`: how far the watcher has read a Delta log.
 * Only the watcher writes it.
 */
export const CursorDocument = z.object({
  schema: z.literal(1),
  table: TableName,
  /** `metaData.id` of the Delta table; null while it has no commit. */
  tableId: z.string().nullable(),
  /** Grows when `tableId` changes. */
  epoch: z.number().int().min(0),
  /** The highest commit with no gap below it; -1: none yet. */
  contiguous: z.number().int().min(-1),
  /** Partition columns and their physical names (`delta.columnMapping.physicalName`). */
  partitionColumns: z.array(z.object({ name: z.string(), physicalName: z.string() })),
  /**
   * What was there when the table was first looked at, up to `contiguous`, may not have been told of
   * yet: a watcher that finds this tells it again, as backlog, and what came later as news.
   */
  telling: z.literal(true).exactOptional(),
  /**
   * As what all up to `contiguous` was read: the day's column, how days are written and the names the table
   * lands under. Where a release reads it otherwise, it is told again as backlog.
   */
  readAs: z.string().exactOptional(),
});
export type CursorDocument = Readonly<z.infer<typeof CursorDocument>>;

/** Every collection and what its documents are. */
export const COLLECTIONS = {
  tasks: Task,
  landings: LandingsDocument,
  tables: TableDocument,
  pools: PoolDocument,
  schedules: ScheduleDocument,
  plans: PlanDocument,
  commands: CommandDocument,
  cursors: CursorDocument,
  alerts: AlertDocument,
  alerting: AlertingDocument,
  metadata: MetadataDocument,
  "metadata-rows": MetadataRowsDocument,
  "job-metrics": JobMetricsDocument,
  streams: StreamDocument,
  streaming: StreamingDocument,
  consistency: ConsistencyDocument,
} as const;

export type Collection = keyof typeof COLLECTIONS;

/** `{collection}/{id}`; the id may hold any character, adapters encode it as their store needs. */
export type DocumentId<C extends Collection = Collection> = `${C}/${string}`;

/** The body of a document, by its id. */
export type DocumentOf<Id extends DocumentId> = Id extends `${infer C extends Collection}/${string}`
  ? Readonly<z.infer<(typeof COLLECTIONS)[C]>>
  : never;

export type AnyDocument = DocumentOf<DocumentId>;

/** The collection a document id names. */
export function collectionOf(id: DocumentId): Collection {
  const name = id.slice(0, id.indexOf("/"));
  if (!Object.hasOwn(COLLECTIONS, name)) throw new Error(`no collection is called "${name}"`);
  return name as Collection;
}

/** Parses a body read from a store. Throws, naming the document, when it is not one of ours. */
export function parseDocument<Id extends DocumentId>(id: Id, body: unknown): DocumentOf<Id> {
  const parsed = COLLECTIONS[collectionOf(id)].safeParse(body);
  if (parsed.success) return parsed.data as DocumentOf<Id>;
  throw new Error(`document ${id} is not readable: ${z.prettifyError(parsed.error)}`);
}
