import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build, type Plugin } from "esbuild";
import { type Edit, type Planted, root, withEdits } from "./planted.ts";

/** The simulation with a bug planted in it, in one file, which starts in a fraction of a second. */
export interface Bundle {
  /** To be run by Node. */
  readonly file: string;
  remove(): void;
}

/** Throws when the bug's edits do not fit the sources any more, or are not in what runs. */
export async function bundleWith(bug: Planted): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-planted-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const edited = new Set<string>();
  const file = join(folder, "simulation.mjs");
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await build({
      absWorkingDir: root,
      entryPoints: ["test/simulation/main.ts"],
      outfile: file,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "silent",
      plugins: [planting(bug, edited)],
    });
    const unused = bug.edits.find((edit) => !edited.has(edit.file));
    if (unused !== undefined) throw new Error(`"${bug.name}": nothing runs ${unused.file}`);
  } catch (cause) {
    remove();
    throw cause;
  }
  return { file, remove };
}

/** Gives edited files as they are with the bug. */
function planting(bug: Planted, edited: Set<string>): Plugin {
  const editsOf = new Map<string, readonly Edit[]>(
    bug.edits.map(({ file }) => [file, bug.edits.filter((edit) => edit.file === file)]),
  );
  return {
    name: "planting",
    setup: (building) =>
      building.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path);
        const edits = editsOf.get(file);
        if (edits === undefined) return null;
        edited.add(file);
        const contents = withEdits(bug.name, edits, readFileSync(path, "utf8"));
        return { contents, loader: "ts" };
      }),
  };
}
