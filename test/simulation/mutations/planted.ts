import { readFileSync } from "node:fs";

/** A bug, as the edits that plant it in a copy of the sources. */
export interface Planted {
  readonly name: string;
  /** A seed, counted from 1, that catches it: the first one when it was last looked for. */
  readonly seed: number;
  /**
   * Of the seed, or of another one: faults that show the bug together, and not without any one of
   * them.
   */
  readonly together?: { readonly seed: number; readonly faults: readonly string[] };
  /** Other tests see it, too: it does not count as one that only the simulation finds. */
  readonly seenElsewhere?: true;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly put: string;
}

/** With each of them all other tests stay green, but where it says that they do not. */
export const plantedFile = new URL("planted.json", import.meta.url);
export const planted = JSON.parse(readFileSync(plantedFile, "utf8")) as readonly Planted[];

/** A file's text with its edits. Throws when one of them does not fit it any more. */
export function withEdits(bug: string, edits: readonly Edit[], text: string): string {
  return edits.reduce((before, { file, find, put }) => {
    const parts = before.split(find);
    if (parts.length === 2) return parts.join(put);
    throw new Error(`"${bug}" no longer fits ${file}: found ${parts.length - 1} times: ${find}`);
  }, text);
}
