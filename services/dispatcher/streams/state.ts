import {
  checkpointsOf,
  type ManifestSeen,
  manifestName,
  metadataOf,
  newestCheckpoint,
  readManifest,
} from "../../../core/streams/flink-state.ts";
import type { StreamLook } from "../../../core/streams/look.ts";
import type { FlinkState } from "../../../ports/world.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";

export type StateLook = Pick<StreamLook, "manifest" | "checkpoint" | "originThere">;

export const nothingThere: StateLook = {
  manifest: { kind: "none" },
  checkpoint: null,
  originThere: false,
};

/** What Flink left of a stream. Throws what the store throws. */
export async function readState(
  { store }: FlinkState,
  config: string,
  document: StreamDocument | null,
): Promise<StateLook> {
  const object = await store.read(manifestName(config));
  const text = object === null ? null : Buffer.from(object.bytes).toString("utf8");
  const manifest = readManifest(text);
  if (manifest.kind !== "names") return { ...nothingThere, manifest };
  const { flinkJobId } = manifest.manifest;
  const checkpoint = newestCheckpoint(await store.list(checkpointsOf(flinkJobId)));
  const originThere = checkpoint === null && (await isOriginThere(store, manifest, document));
  return { manifest, checkpoint, originThere };
}

/** A job that completed no checkpoint yet may still have the one that it began from. */
async function isOriginThere(
  store: FlinkState["store"],
  { manifest }: Extract<ManifestSeen, { kind: "names" }>,
  document: StreamDocument | null,
): Promise<boolean> {
  const named = document?.attempts.find(({ jobId }) => jobId === manifest.parentJobId);
  if (named === undefined || named.from === null) return false;
  const name = metadataOf(named.from);
  return (await store.list(name, { limit: 1 })).some((object) => object.name === name);
}
