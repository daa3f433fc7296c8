import type { EpochMs } from "../../schemas/ids.ts";
import { type Checkpoint, Manifest } from "../../schemas/streams.ts";

/**
 * Where Chronon's Flink jobs leave their state, below one place: a note of which job is the stream's,
 * and the checkpoints of each job (`FlinkJob.scala`, `DataprocSubmitter.scala`).
 */
export function manifestName(config: string): string {
  return `manifests/${config}/manifest.txt`;
}

/** What begins the names of all checkpoints of a Flink job, and of nothing else of its. */
export function checkpointsOf(flinkJobId: string): string {
  return `checkpoints/${flinkJobId}/chk-`;
}

/** The object that a checkpoint has once it is complete. */
export function metadataOf({ path }: Pick<Checkpoint, "path">): string {
  return `${path}/_metadata`;
}

/** `broken`: it is there and does not say what it should; `unreadable`: nobody can look. */
export type ManifestSeen =
  | { readonly kind: "none" }
  | { readonly kind: "broken" }
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "names"; readonly manifest: Manifest };

/** Reads `flinkJobId=<id>,parentJobId=<id>`; null: there is no such object. */
export function readManifest(text: string | null): ManifestSeen {
  if (text === null) return { kind: "none" };
  const pairs = text
    .trim()
    .split(",")
    .map((pair) => pair.split("=").map((part) => part.trim()));
  const parsed = Manifest.safeParse(Object.fromEntries(pairs));
  if (!parsed.success) return { kind: "broken" };
  const { flinkJobId, parentJobId } = parsed.data;
  const whole = /^[0-9a-f]{32}$/.test(flinkJobId) && /^[\w-]+$/.test(parentJobId);
  return whole ? { kind: "names", manifest: parsed.data } : { kind: "broken" };
}

export function manifestText({ flinkJobId, parentJobId }: Manifest): string {
  return `flinkJobId=${flinkJobId},parentJobId=${parentJobId}`;
}

const complete = /^(checkpoints\/[^/]+\/chk-(\d+))\/_metadata$/;

/** The newest complete checkpoint among objects: by number, for chk-9 comes before chk-10. */
export function newestCheckpoint(
  objects: readonly { readonly name: string; readonly updatedAt: EpochMs }[],
): Checkpoint | null {
  let newest: Checkpoint | null = null;
  for (const { name, updatedAt } of objects) {
    const [, path, number] = complete.exec(name) ?? [];
    const n = Number(number);
    if (path === undefined || !Number.isSafeInteger(n)) continue;
    if (newest === null || n > newest.n) newest = { path, n, at: updatedAt };
  }
  return newest;
}

/** The Flink job that a checkpoint is of. */
export function flinkJobOf({ path }: Checkpoint): string {
  return path.split("/").at(-2) ?? "";
}
