import type { ConfigFile } from "../core/compile/config-file.ts";
import { sha256Hex } from "../core/hash.ts";
import { PermanentError } from "../ports/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { EpochMs } from "../schemas/ids.ts";
import { ReleaseManifest } from "../schemas/plan.ts";
import { confObject, releaseObject } from "./names.ts";

/**
 * Writes a complete release of config files: every file by the hash of its content, then the
 * manifest that names them, last. Answers the release's id; the same files are the same release.
 */
export async function writeRelease(
  configs: ObjectStore,
  files: readonly { readonly path: string; readonly text: string }[],
): Promise<string> {
  const entries: ReleaseManifest["files"] = [];
  for (const { path, text } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const entry = { path, hash: sha256Hex(text) };
    await configs.write(confObject(entry), Buffer.from(text), { ifAbsent: true });
    entries.push(entry);
  }
  const release = sha256Hex(JSON.stringify(entries));
  const manifest: ReleaseManifest = { schema: 1, release, files: entries };
  await configs.write(releaseObject(release), Buffer.from(JSON.stringify(manifest)));
  return release;
}

export interface ReadRelease {
  readonly files: readonly ConfigFile[];
  /** When it was released last, by the clock of the configs store. */
  readonly releasedAt: EpochMs;
}

/** The files of a release. Throws `PermanentError` when it is not complete. */
export async function readRelease(configs: ObjectStore, release: string): Promise<ReadRelease> {
  const name = releaseObject(release);
  const object = await configs.read(name);
  if (object === null) throw new PermanentError(`${name} is not in the configs store`);
  const manifest = ReleaseManifest.parse(JSON.parse(Buffer.from(object.bytes).toString("utf8")));
  const files: ConfigFile[] = [];
  for (const entry of manifest.files) {
    const conf = await configs.read(confObject(entry));
    if (conf === null) {
      throw new PermanentError(`release ${release} is not complete: ${entry.path} is missing`);
    }
    files.push({ ...entry, text: Buffer.from(conf.bytes).toString("utf8") });
  }
  return { files, releasedAt: object.updatedAt };
}
