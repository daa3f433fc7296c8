import { daysIn } from "../../core/dates.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { isWrittenFrom, keyOfStep } from "../../core/metadata-by.ts";
import type { PlanIndex } from "../../core/plan-index.ts";
import { BATCH_TABLE, batchDataset, servedDay, servingInfoKey } from "../../core/serving-info.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { confObject } from "../../releases/names.ts";
import type { DocumentOf } from "../../schemas/documents.ts";
import type { OutputSeen } from "../../schemas/events.ts";
import { type PartitionRange, taskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { OutputTables } from "./output-table.ts";

export interface Verifying {
  readonly tables: OutputTables;
  readonly keyValueStore: KeyValueStore;
  /** Says which conf a task was claimed for. */
  readonly store: Pick<TaskStore, "read">;
  /** Holds confs by the hash of their content. */
  readonly configs: ObjectStore;
  readonly settings: Pick<Settings, "metadata">;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Verified {
  readonly plan: PlanIndex;
  readonly step: PlanStep;
  readonly range: PartitionRange;
}

/**
 * What is there of a job's output, partition by partition, whatever the job says of itself. Throws
 * when it cannot be seen: what is not known is never reported as missing.
 */
export async function outputsSeen(verifying: Verifying, of: Verified): Promise<OutputSeen[]> {
  switch (of.step.verification) {
    case "partitions":
      return partitionsSeen(verifying, of);
    case "table":
      return tableSeen(verifying, of);
    case "serving-info":
      return [await servingInfoSeen(verifying, of)];
    case "metadata-row":
      return [await metadataRowSeen(verifying, of)];
    case "published":
      return [];
  }
}

async function partitionsSeen({ tables }: Verifying, of: Verified): Promise<OutputSeen[]> {
  const { output: table, outputColumn } = of.step;
  if (table === undefined) return [];
  const { landings } = await tables.read(of.plan, table, outputColumn);
  const days = landings.get(table);
  return daysIn(of.range).map((partition) => ({
    table,
    partition,
    landing: days?.get(partition) ?? null,
  }));
}

/** An unpartitioned table has one version, which every day of the job was written at. */
async function tableSeen({ tables }: Verifying, of: Verified): Promise<OutputSeen[]> {
  const { output: table, outputColumn } = of.step;
  if (table === undefined) return [];
  const { table: landing } = await tables.read(of.plan, table, outputColumn);
  return daysIn(of.range).map((partition) => ({ table, partition, landing }));
}

/**
 * The online rows of the range's last day, under the name of their KV dataset, in the Bigtable
 * instance that the job was given. A newer day's rows
 * stand for it, with the newer day's version; an older one's do not.
 */
async function servingInfoSeen(verifying: Verifying, of: Verified): Promise<OutputSeen> {
  const { clock, log } = verifying;
  const { config } = of.step;
  const keyValueStore = onlineStore(verifying, of);
  const seen = { table: batchDataset(config), partition: of.range.end };
  const [cell] = await keyValueStore.read(BATCH_TABLE, [servingInfoKey(config)]);
  if (cell === undefined) return { ...seen, landing: null };
  const served = servedDay(cell, of.range.end);
  if (served.kind === "broken") {
    log.warn({ config, partition: of.range.end }, `serving info of ${config}: ${served.problem}`);
  }
  if (served.kind !== "served") return { ...seen, landing: null };
  const version = { epoch: 0, n: served.timestamp };
  return { ...seen, landing: { state: "landed", version, at: clock.now(), seenBy: "job" } };
}

/**
 * The row of a conf, with the time of its cell as version. Chronon's job exits 0 whatever it wrote: a
 * row that is not of this conf is as good as none.
 */
async function metadataRowSeen(verifying: Verifying, of: Verified): Promise<OutputSeen> {
  const { settings, store, configs, clock } = verifying;
  const { step, range } = of;
  const { table } = settings.metadata;
  const seen = { table, partition: range.end };
  // A later release may have another conf by now: the job was for that of its task.
  const id = `tasks/${taskId(step.id, range)}` as const;
  const task = (await store.read([id])).get(id)?.body as DocumentOf<typeof id> | null | undefined;
  if (task?.conf === undefined) return { ...seen, landing: null };
  const name = confObject({ ...step.conf, hash: task.conf });
  const compiled = await configs.read(name);
  if (compiled === null) {
    throw new RetryableError(`${name} is not in the configs store: release the configs again`);
  }
  const key = metadataRowKey(table, keyOfStep(step));
  const [cell] = await onlineStore(verifying, of).read(table, [key]);
  if (cell === undefined || !isWrittenFrom(jsonOf(cell.value), jsonOf(compiled.bytes))) {
    return { ...seen, landing: null };
  }
  const version = { epoch: 0, n: cell.timestamp };
  return { ...seen, landing: { state: "landed", version, at: clock.now(), seenBy: "job" } };
}

/** That of the Bigtable instance which the job was given, else the deployment's. */
function onlineStore({ keyValueStore }: Verifying, { step }: Verified): KeyValueStore {
  const instance = step.env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  return instance === "" ? keyValueStore : keyValueStore.at(instance);
}

/** Undefined for what is none, which no conf is equal to. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
