/** So many writes of one document may follow each other at once, before it is written once a second. */
export const writesAtOnce = 10;

const msPerWrite = 1_000;

/** Documents whose last write is so long ago that they may be written as if for the first time. */
const restedMs = writesAtOnce * msPerWrite;

const keptMax = 5_000;

interface Spent {
  /** Writes that the document has left at `at`; a fraction while one grows back. */
  readonly left: number;
  readonly at: number;
}

/**
 * Keeps every document at what Firestore bears for long: one write a second, a short burst aside. A
 * document that is in every commit, as a pool's is, thus makes commits rarer and larger.
 */
export function writePace(now: () => number) {
  const spent = new Map<string, Spent>();
  const left = (path: string, at: number) => {
    const last = spent.get(path);
    if (last === undefined) return writesAtOnce;
    return Math.min(writesAtOnce, last.left + (at - last.at) / msPerWrite);
  };
  const forget = (at: number) => {
    for (const [path, last] of spent) if (at - last.at > restedMs) spent.delete(path);
  };
  return {
    /** How long documents must rest before they are all written once more; never above a second. */
    restMs(paths: readonly string[]): number {
      const at = now();
      const least = paths.reduce((least, path) => Math.min(least, left(path, at)), writesAtOnce);
      return Math.min(msPerWrite, Math.max(0, (1 - least) * msPerWrite));
    },
    wrote(paths: readonly string[]): void {
      const at = now();
      if (spent.size > keptMax) forget(at);
      for (const path of paths) spent.set(path, { left: Math.max(0, left(path, at) - 1), at });
    },
  };
}
