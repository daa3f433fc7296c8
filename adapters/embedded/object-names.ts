import type { BigIntStats } from "node:fs";
import { sep } from "node:path";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectInfo } from "../../ports/object-store.ts";
import { badName, partsOfName } from "../object-name.ts";

/** Folder below the root for objects that are still being written. No object's name begins so. */
export const unfinishedFolder = ".landfall-unfinished";

/** The path of an object below `root`. Throws `PermanentError` for a name that would leave it. */
export function pathOfName(root: string, name: string): string {
  const parts = partsOfName(name);
  if (parts[0] === unfinishedFolder) throw badName(name, `${unfinishedFolder} is the store's own`);
  return `${root}${sep}${parts.join(sep)}`;
}

/**
 * What the file system knows of an object. Its generation is the file's time of modification in
 * microseconds: every process reads the same, and writing sets it above the one before.
 */
export function objectInfo(name: string, stats: BigIntStats): ObjectInfo {
  return {
    name,
    size: Number(stats.size),
    generation: Number(stats.mtimeNs / 1_000n),
    updatedAt: Number(stats.mtimeMs),
  };
}

/** The code of a file-system error, or null when it is none. */
export function codeOf(cause: unknown): string | null {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : null;
}

/** Asking again does not help until a person changed something. */
const permanentCodes = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "ENOTDIR",
  "EISDIR",
  "ENAMETOOLONG",
  "ELOOP",
]);

const hints: Readonly<Record<string, string>> = {
  EACCES: "permission denied; give this user the right to it",
  EPERM: "permission denied; give this user the right to it",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full; make room",
  EDQUOT: "the disk quota is used up; make room",
  EMFILE: "too many open files; raise the limit (ulimit -n)",
  ENAMETOOLONG: "the name is longer than the file system takes",
  ENOTDIR: "a file lies where a folder is needed",
  EISDIR: "a folder lies where a file is needed",
};

/** A file-system error as an error of a port: one line that says what to do. */
export function storeError(doing: string, cause: unknown): Error {
  const code = codeOf(cause);
  if (code === null) return cause instanceof Error ? cause : new Error(String(cause));
  const hint = Object.hasOwn(hints, code) ? hints[code] : (cause as Error).message;
  const line = `cannot ${doing}: ${hint}`;
  return permanentCodes.has(code)
    ? new PermanentError(line, { cause })
    : new RetryableError(line, { cause });
}
