import { daysIn } from "../../core/dates.ts";
import type { PlanIndex } from "../../core/plan-index.ts";
import { BATCH_TABLE, batchDataset, servedDay, servingInfoKey } from "../../core/serving-info.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Log } from "../../ports/log.ts";
import type { OutputSeen } from "../../schemas/events.ts";
import type { PartitionRange } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { OutputTables } from "./output-table.ts";

export interface Verifying {
  readonly tables: OutputTables;
  readonly keyValueStore: KeyValueStore;
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
  const { config, env } = of.step;
  const instance = env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  const { keyValueStore: usual } = verifying;
  const keyValueStore = instance === "" ? usual : usual.at(instance);
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
