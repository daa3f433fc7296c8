import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import type { EpochMs, Partition } from "../schemas/ids.ts";
import { addDays, dayMs, partitionEndMs } from "./dates.ts";
import { stableJson } from "./hash.ts";

/** Bigtable table of every GroupBy's batch rows (`BigTableKVStoreImpl.scala`, table name rule). */
export const BATCH_TABLE = "GROUPBY_BATCH";

const servingInfoName = "group_by_serving_info";

/**
 * KV dataset of a GroupBy's batch rows: `gcp.purchases.v1__0` → `GCP_PURCHASES_V1__0_BATCH`
 * (`Extensions.scala`, `batchDataset`). Two names that differ in case or punctuation share it.
 */
export function batchDataset(groupBy: string): string {
  return `${groupBy.replaceAll(/[^a-zA-Z0-9_]/g, "_").toUpperCase()}_BATCH`;
}

/** Row key of what tells fetchers which day is served: `<DATASET>#group_by_serving_info`. */
export function servingInfoKey(groupBy: string): Uint8Array {
  return utf8ToBytes(`${batchDataset(groupBy)}#${servingInfoName}`);
}

/** Row key of one entity: `<DATASET>#` and its key record in Avro binary. */
export function entityRowKey(groupBy: string, avroKey: Uint8Array): Uint8Array {
  return concatBytes(utf8ToBytes(`${batchDataset(groupBy)}#`), avroKey);
}

/**
 * Avro binary of a key record whose fields are strings: each the union [null, string] at 1, then
 * its length and its UTF-8 bytes (`AvroConversions.scala`; Avro 1.11, Binary Encoding).
 */
export function avroStringKey(fields: readonly string[]): Uint8Array {
  return concatBytes(
    ...fields.flatMap((field) => {
      const bytes = utf8ToBytes(field);
      return [Uint8Array.of(2), zigzag(bytes.length), bytes];
    }),
  );
}

/** Cell timestamp of the batch rows of a day: 00:00 UTC of the next. */
export function batchTimestamp(partition: Partition): EpochMs {
  return partitionEndMs(partition);
}

export interface ServingInfo {
  /** The compiled GroupBy as it was uploaded. */
  readonly groupBy: unknown;
  readonly keyColumns: readonly string[];
  readonly partition: Partition;
  /** Fields Chronon does not know; it ignores them. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/**
 * Value of the serving info row: JSON with sorted keys and no white space
 * (`ThriftJsonCodec.scala`; `api.thrift`, `GroupByServingInfo`).
 */
export function servingInfoValue(info: ServingInfo): Uint8Array {
  const { groupBy, keyColumns, partition, more = {} } = info;
  const json = stableJson({
    ...more,
    groupBy,
    keyAvroSchema: keySchema(keyColumns),
    batchEndDate: addDays(partition, 1),
    dateFormat: "yyyy-MM-dd",
  });
  return utf8ToBytes(json);
}

/** What a serving info row says of a day. */
export type ServedDay =
  /** The day, or a later one when `timestamp` says so, is served. */
  | { readonly kind: "served"; readonly timestamp: EpochMs }
  /** An earlier day is served. */
  | { readonly kind: "older"; readonly timestamp: EpochMs }
  /** The row contradicts itself, or is not a serving info. */
  | { readonly kind: "broken"; readonly problem: string };

const StoredInfo = z.object({ batchEndDate: z.string(), dateFormat: z.string().default("") });

/**
 * Whether a serving info row says that a day, or a later one, is served. Its cell timestamp and
 * its `batchEndDate` must agree: a loader that ran for another partition than it read leaves them
 * different.
 */
export function servedDay(
  cell: { readonly timestamp: EpochMs; readonly value: Uint8Array },
  partition: Partition,
): ServedDay {
  const { timestamp } = cell;
  const parsed = StoredInfo.safeParse(jsonOf(cell.value));
  if (!parsed.success) return { kind: "broken", problem: "the row is not a serving info" };
  const { batchEndDate, dateFormat } = parsed.data;
  if (timestamp % dayMs !== 0 || spelled(timestamp, dateFormat) !== batchEndDate) {
    const problem = `the row ends at ${batchEndDate}, its cell says ${spelled(timestamp, dateFormat)}`;
    return { kind: "broken", problem };
  }
  return { kind: timestamp >= batchTimestamp(partition) ? "served" : "older", timestamp };
}

/** The day that begins at a timestamp, as a date format of Chronon spells it. */
function spelled(timestamp: EpochMs, format: string): string {
  const day = addDays("1970-01-01", Math.floor(timestamp / dayMs));
  return format === "yyyyMMdd" ? day.replaceAll("-", "") : day;
}

function keySchema(keyColumns: readonly string[]): string {
  const fields = keyColumns.map((name) => ({ name, type: ["null", "string"], default: null }));
  return JSON.stringify({ type: "record", name: "Key", namespace: "ai.chronon.data", fields });
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** Avro's variable-length zig-zag coding of a length. */
function zigzag(length: number): Uint8Array {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}
