import { stableJson } from "../../core/hash.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { keyOfStep } from "../../core/metadata-by.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { RehearsalFault } from "../../schemas/rehearsal.ts";
import { faultText, type JobError, type RehearsalWorld } from "./world.ts";

/** The dataset that Chronon's job writes to, whatever Landfall's settings call it. */
const table = "CHRONON_METADATA";

/**
 * Writes the row of one conf as `metadata-upload` does: its keys in order, at the time of writing. What
 * it cannot read or write it only counts, and exits 0 (`MetadataDirWalker.scala`, `MetadataStore.scala`).
 */
export async function writeMetadata(
  world: RehearsalWorld,
  spec: JobSpec,
  fault: RehearsalFault | null,
): Promise<JobError> {
  if (fault?.does === "fail") return faultText(fault, "failed as told");
  const object = (await world.configs?.read(spec.conf)) ?? null;
  if (object === null || fault?.does === "write-nothing") return null;
  const conf = JSON.parse(Buffer.from(object.bytes).toString("utf8")) as object;
  const instance = spec.env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  const store = instance === "" ? world.keyValueStore : world.keyValueStore.at(instance);
  const value = fault?.does === "write-half" ? "{" : stableJson(conf);
  const key = metadataRowKey(table, keyOfStep(spec));
  const cell = { key, value: Buffer.from(value), timestamp: world.clock.now() };
  await store.write(table, [cell]);
  return fault?.does === "write-half" ? faultText(fault, "failed as told, half-way") : null;
}
