import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Plugin } from "esbuild";
import { type Bundle, bundled, root } from "../bundle.ts";
import { type Edit, type Planted, withEdits } from "./planted.ts";

/**
 * The simulation with a bug planted in it. Throws when the bug's edits do not fit the sources any more,
 * or are not in what runs.
 */
export async function bundleWith(bug: Planted): Promise<Bundle> {
  const edited = new Set<string>();
  const bundle = await bundled(planting(bug, edited));
  const unused = bug.edits.find((edit) => !edited.has(edit.file));
  if (unused === undefined) return bundle;
  bundle.remove();
  throw new Error(`"${bug.name}": nothing runs ${unused.file}`);
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
