import {
  avroStringKey,
  BATCH_TABLE,
  batchTimestamp,
  entityRowKey,
  servingInfoKey,
  servingInfoValue,
} from "../../core/serving-info.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { Cell } from "../../ports/key-value-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Partition } from "../../schemas/ids.ts";
import type { RehearsalFault } from "../../schemas/rehearsal.ts";
import { faultText, type JobError, type RehearsalWorld } from "./world.ts";

const entities = 3;

/**
 * Loads a day of the upload table into the online store. A day that is not there loads nothing and
 * exits 0: the driver selects its rows by day and finds none.
 */
export async function loadKeyValues(
  world: RehearsalWorld,
  spec: JobSpec,
  fault: RehearsalFault | null,
): Promise<JobError> {
  const day = spec.range.end;
  if (fault?.does === "fail") return faultText(fault, `failed as told, at ${day}`);
  if (fault?.does === "write-nothing" || !(await uploaded(world, spec, day))) return null;
  const groupBy = await groupByOf(world.configs, spec);
  const timestamp = batchTimestamp(day);
  const instance = spec.env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  const store = instance === "" ? world.keyValueStore : world.keyValueStore.at(instance);
  const keys = Array.from({ length: entities }, (_, at) => `rehearsal-${at + 1}`);
  const rows = keys.map((key): Cell => {
    const fields = groupBy.keyColumns.map(() => key);
    return {
      key: entityRowKey(spec.config, avroStringKey(fields)),
      value: Buffer.from(`rehearsal of ${day}`),
      timestamp,
    };
  });
  if (fault?.does === "write-half") {
    await store.write(BATCH_TABLE, rows);
    return faultText(fault, `failed as told, half-way through ${day}`);
  }
  const more = { rehearsal: { jobId: spec.jobId, run: spec.run, attempt: spec.attempt } };
  const value = servingInfoValue({
    groupBy: groupBy.conf,
    keyColumns: groupBy.keyColumns,
    partition: day,
    more,
  });
  const key = servingInfoKey(spec.config);
  await store.write(BATCH_TABLE, [...rows, { key, value, timestamp }]);
  return null;
}

/** A rewritten table holds the day its last upload was for, which names its files. */
async function uploaded({ lake }: RehearsalWorld, spec: JobSpec, day: Partition): Promise<boolean> {
  const [upload] = spec.inputs;
  if (upload === undefined) return false;
  const { days, files } = await lake.find(upload.table);
  return files === null ? days.has(day) : files.some((file) => file.includes(day));
}

interface UploadedGroupBy {
  readonly conf: unknown;
  readonly keyColumns: readonly string[];
}

async function groupByOf(configs: ObjectStore | null, spec: JobSpec): Promise<UploadedGroupBy> {
  const object = (await configs?.read(spec.conf)) ?? null;
  if (object === null) return { conf: { metaData: { name: spec.config } }, keyColumns: ["key"] };
  const conf = JSON.parse(Buffer.from(object.bytes).toString("utf8")) as {
    readonly keyColumns?: readonly string[];
  };
  return { conf, keyColumns: conf.keyColumns ?? ["key"] };
}
