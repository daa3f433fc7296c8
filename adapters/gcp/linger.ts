import { writePace } from "./write-pace.ts";

/** How a commit went, as far as the next one should mind. */
export interface Went {
  readonly tookMs: number;
  readonly documents: number;
  /** Others wanted the same documents at the same moment. */
  readonly contended: boolean;
}

const lingerMinMs = 25;
const lingerMaxMs = 1_000;
/** Waiting longer makes larger commits, which meet those of another dispatcher more often. */
const contendedMaxMs = 200;

/** A commit that takes longer is slow: so long alone, and so much more for each document. */
const slowMs = 250;
const slowMsPerDocument = 1;

/**
 * A commit of so many documents is about as large as waiting would make it: who commits has more of
 * them at hand already, and would only do it later.
 */
const largeDocuments = 200;

/**
 * How long after a commit the next one is to wait: 0 while commits are fast or large, doubling up to
 * 1 s while they are slow (up to 200 ms while others want the same documents), halving when they
 * are fast again.
 *
 * Who commits has one commit in flight and groups what arrives meanwhile, so waiting makes groups
 * larger and commits rarer: at the most, one a second, which is what a document that is in all of
 * them bears for long. Counted from the end of the last commit, so that after a quiet time nothing
 * waits.
 */
export function lingerAfter(lingerMs: number, { tookMs, documents, contended }: Went): number {
  const isSlow = documents < largeDocuments && tookMs > slowMs + slowMsPerDocument * documents;
  if (contended || isSlow) {
    const max = contended ? Math.max(contendedMaxMs, lingerMs) : lingerMaxMs;
    return Math.min(max, Math.max(lingerMinMs, lingerMs * 2));
  }
  return lingerMs <= lingerMinMs ? 0 : lingerMs / 2;
}

export interface Time {
  /** Milliseconds since any fixed moment. */
  now(): number;
  sleep(delayMs: number): Promise<void>;
}

/** One commit, as far as it matters when it is sent. */
export interface Commit<T> {
  /** Documents written and checked. */
  readonly documents: number;
  readonly written: readonly string[];
  readonly send: () => Promise<T>;
  readonly contended: (result: T) => boolean;
}

/**
 * Runs commits, each after the linger that those before it call for, and after the documents it
 * writes have rested.
 */
export function lingering(time: Time) {
  const pace = writePace(() => time.now());
  let lingerMs = 0;
  let endedAt = -Infinity;
  return async <T>({ documents, written, send, contended }: Commit<T>): Promise<T> => {
    const waitMs = Math.max(endedAt + lingerMs - time.now(), pace.restMs(written));
    if (waitMs > 0) await time.sleep(waitMs);
    pace.wrote(written);
    const begunAt = time.now();
    const result = await send();
    endedAt = time.now();
    const went = { tookMs: endedAt - begunAt, documents, contended: contended(result) };
    lingerMs = lingerAfter(lingerMs, went);
    return result;
  };
}
