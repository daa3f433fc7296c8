import { sha256Hex } from "../core/hash.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { ReleaseManifest } from "../schemas/plan.ts";

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
    const hash = sha256Hex(text);
    const name = `confs/${hash}/${path.slice(path.lastIndexOf("/") + 1)}`;
    await configs.write(name, Buffer.from(text), { ifAbsent: true });
    entries.push({ path, hash });
  }
  const release = sha256Hex(JSON.stringify(entries));
  const manifest: ReleaseManifest = { schema: 1, release, files: entries };
  await configs.write(`releases/${release}.json`, Buffer.from(JSON.stringify(manifest)));
  return release;
}
