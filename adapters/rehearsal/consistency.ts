import { parquetWriteBuffer } from "hyparquet-writer";
import { dayMs, dayOf } from "../../core/dates.ts";
import { unitInterval } from "../../core/hash.ts";
import type { DeltaField } from "../../lake/delta-writer.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { type GroupBy, Join } from "../../schemas/chronon/features.ts";
import type { Partition } from "../../schemas/ids.ts";

const hours = 24;
const hourMs = 3_600_000;

/** What a rehearsed comparison writes of a join's features. */
export interface ComparedRows {
  /** One an hour. */
  readonly rows: number;
  readonly fields: readonly DeltaField[];
  readonly dataFile: (rows: number, partition: Partition) => Uint8Array;
}

/**
 * The table that consistency-metrics-compute writes, with the columns that every type of feature has
 * (`CompareMetrics.scala`), for the features of the job's own conf.
 */
export async function comparedRows(
  configs: ObjectStore | null,
  spec: JobSpec,
): Promise<ComparedRows> {
  const features = await featuresOf(configs, spec);
  const counts = features.flatMap((feature) => COUNTS.map((of) => `${feature}_${of}`));
  return {
    rows: hours,
    fields: [
      { name: "JoinPath", type: "string" },
      ...counts.map((name) => ({ name, type: "long" })),
      { name: "ts", type: "long" },
    ],
    dataFile: (rows, partition) => fileOf({ join: spec.config, features, partition, rows }),
  };
}

const COUNTS = [
  "both_null_sum",
  "left_null_sum",
  "mismatch_sum",
  "right_null_sum",
  "total_count",
] as const;

interface Day {
  readonly join: string;
  readonly features: readonly string[];
  readonly partition: Partition;
  readonly rows: number;
}

function fileOf({ join, features, partition, rows }: Day): Uint8Array {
  const times = Array.from({ length: rows }, (_, hour) => dayOf(partition) * dayMs + hour * hourMs);
  const counted = features.flatMap((feature) => {
    const found = times.map((at) => hourOf(feature, at));
    return COUNTS.map((of) => ({
      name: `${feature}_${of}`,
      data: found.map((counts) => BigInt(counts[of])),
      type: "INT64" as const,
    }));
  });
  const columnData = [
    { name: "JoinPath", data: times.map(() => join), type: "STRING" as const },
    ...counted,
    { name: "ts", data: times.map(BigInt), type: "INT64" as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, codec: "SNAPPY" }));
}

/** The same for the same feature and hour: of most features nearly all match, of a few less. */
function hourOf(feature: string, at: number): Record<(typeof COUNTS)[number], number> {
  const draw = (of: string) => unitInterval(`${feature} ${of} ${at}`);
  const share = 0.03 * unitInterval(feature) ** 4;
  const requests = 40 + Math.floor(20 * draw("requests"));
  const some = (of: string, part: number) => Math.floor(requests * part + draw(of));
  return {
    both_null_sum: some("neither", 0.05),
    left_null_sum: 0,
    mismatch_sum: some("differs", share),
    right_null_sum: some("missing", share / 5),
    total_count: requests,
  };
}

/** Names of a join's features: of each part its GroupBy's columns, after prefix and GroupBy. */
async function featuresOf(configs: ObjectStore | null, spec: JobSpec): Promise<string[]> {
  const object = (await configs?.read(spec.conf)) ?? null;
  if (object === null) return ["rehearsed_feature"];
  const { joinParts } = Join.parse(JSON.parse(Buffer.from(object.bytes).toString("utf8")));
  return (joinParts ?? []).flatMap(({ groupBy, prefix }) => {
    const group = (groupBy.metaData?.name ?? "").replaceAll(/[^a-zA-Z0-9_]/g, "_");
    const full = typeof prefix === "string" ? `${prefix}_${group}` : group;
    return columnsOf(groupBy).map((column) => `${full}_${column}`);
  });
}

/** Names of Chronon's operations by their number in `api.thrift`, as far as examples use them. */
const OPERATION: Readonly<Record<string, string>> = {
  "0": "min",
  "1": "max",
  "3": "last",
  "4": "unique_count",
  "6": "count",
  "7": "sum",
  "8": "average",
  "13": "last_k",
};

/** `amount_sum_7d`; without aggregations what is selected. */
function columnsOf({ aggregations, sources, keyColumns }: GroupBy): string[] {
  const made = (aggregations ?? []).flatMap(({ inputColumn, operation, windows }) => {
    const name = `${String(inputColumn)}_${OPERATION[String(operation)] ?? "aggregated"}`;
    const lengths = (windows ?? []).map(({ length, timeUnit }) => `${length}${timeUnit[0]}`);
    return lengths.length === 0 ? [name] : lengths.map((length) => `${name}_${length}`);
  });
  if (made.length > 0) return made;
  const keys = new Set(Array.isArray(keyColumns) ? keyColumns : []);
  const selected = sources.flatMap(({ events, entities }) =>
    Object.keys((events ?? entities)?.query?.["selects"] ?? {}),
  );
  return selected.filter((column) => !keys.has(column));
}
