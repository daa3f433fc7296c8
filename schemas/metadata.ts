import { z } from "zod";
import { EpochMs } from "./ids.ts";

/** What Landfall wrote under one key of the online store, as far as it has proof. */
export const WrittenRow = z.object({
  /** Hash of the compiled file that lies there. */
  hash: z.string(),
  /** When this content was first written; refreshes do not move it. */
  uploadedAt: EpochMs,
  /** Bigtable instance it lies in; left out: the deployment's. */
  instance: z.string().exactOptional(),
  /** Its config is gone: since when, and when the row was last written. It is refreshed no more. */
  gone: z.object({ since: EpochMs, writtenAt: EpochMs }).exactOptional(),
});
export type WrittenRow = Readonly<z.infer<typeof WrittenRow>>;

/**
 * Collection `metadata-rows`, id `{folder}`, then `{folder}~2` and so on: rows that were written and
 * read back, of configs whose names begin with the folder of their team.
 */
export const MetadataRowsDocument = z.object({
  schema: z.literal(1),
  /** By key: `joins/N`, `group_bys/N`, `models/N`. */
  rows: z.record(z.string(), WrittenRow),
});
export type MetadataRowsDocument = Readonly<z.infer<typeof MetadataRowsDocument>>;

/** An upload that is complete: every row of it was written and read back. */
export const MetadataUpload = z.object({
  /** Hash of the table's name and of all keys and contents. */
  hash: z.string(),
  /** The release it was made for; later ones with the same metadata need none. */
  release: z.string(),
  rows: z.number().int().min(0),
  /** How many of them had changed. */
  changed: z.number().int().min(0),
  at: EpochMs,
  /** When the last fetcher that had an earlier row in its cache looks again. */
  effectiveBy: EpochMs,
});
export type MetadataUpload = Readonly<z.infer<typeof MetadataUpload>>;

/** Collection `metadata`, id `current`: how the online store's metadata stands. */
export const MetadataDocument = z.object({
  schema: z.literal(1),
  /** Table and dataset of the rows. */
  table: z.string(),
  /** Null: no upload to this table is complete. */
  uploaded: MetadataUpload.nullable(),
  /** Every row was written at this time or later. */
  refreshedAt: EpochMs.nullable(),
  /** Documents of `metadata-rows`. */
  pages: z.array(z.string()),
  /** What is wrong now, in one sentence, and since when something is; null: nothing is. It is tried again. */
  trouble: z.object({ sentence: z.string(), since: EpochMs }).nullable(),
  /** What an operator may want to know of rows whose configs are gone; null: nothing. */
  remark: z.string().nullable(),
  /** Keys of rows that somebody asked to delete and that are not yet; left out: none. */
  asked: z.array(z.string()).exactOptional(),
  /**
   * Who may write rows, and until when; nobody else does before. Left behind by a writer that did not
   * end well: rows of `hash` may lie there already, or anything when `whole`.
   */
  writing: z
    .object({ by: z.string(), until: EpochMs, hash: z.string(), whole: z.boolean() })
    .nullable(),
});
export type MetadataDocument = Readonly<z.infer<typeof MetadataDocument>>;
