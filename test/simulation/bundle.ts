import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

/** Folder of the sources. */
export const root = resolve(import.meta.dirname, "../..");

/**
 * The simulation in one file. It starts in a fraction of a second, and a seed takes less time than where
 * a loader compiles each source by itself.
 */
export interface Bundle {
  /** To be run by Node: `seed-runner.ts`. */
  readonly file: string;
  remove(): void;
}

export async function bundled(...plugins: Plugin[]): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-simulation-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const file = join(folder, "simulation.mjs");
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await build({
      absWorkingDir: root,
      entryPoints: ["test/simulation/seed-runner.ts"],
      outfile: file,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "silent",
      plugins,
    });
  } catch (cause) {
    remove();
    throw cause;
  }
  return { file, remove };
}
