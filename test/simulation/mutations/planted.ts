import { readFileSync } from "node:fs";

/** A bug, as the edits that plant it in a copy of the sources. */
export interface Planted {
  readonly name: string;
  /** The first seed, counted from 1, that catches it. */
  readonly seed: number;
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly put: string;
}

/** All other tests stay green with each of these. */
export const planted = JSON.parse(
  readFileSync(new URL("planted.json", import.meta.url), "utf8"),
) as readonly Planted[];
