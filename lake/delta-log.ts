import {
  type DeltaCommit,
  type DeltaProblem,
  type ParsedCommit,
  parsingCommit,
} from "../core/delta.ts";
import type { ObjectStore, StoredObject } from "../ports/object-store.ts";
import { otherWork } from "./other-work.ts";

/** Commits read at once ahead of the one that is handed over. */
const readAhead = 16;
const versionDigits = 20;
const commitName = /^\d{20}\.json$/;

/** Name of a commit of the table at `path` (Delta: Delta Log Entries). */
export function commitObject(path: string, version: number): string {
  return `${logPrefix(path)}${String(version).padStart(versionDigits, "0")}.json`;
}

/** What the names of a table's log begin with. */
export function logPrefix(path: string): string {
  return `${path}/_delta_log/`;
}

/** One commit as it was found. `absent`: there is none of that version. */
export type FoundCommit =
  | {
      readonly kind: "commit";
      readonly version: number;
      readonly commit: DeltaCommit;
      /** When it was made: as its writer says, else when the object was written. */
      readonly at: number;
      readonly generation: number;
    }
  | { readonly kind: "absent"; readonly version: number }
  | (DeltaProblem & { readonly version: number; readonly generation: number });

/** A commit that is there, as a listing shows it. */
export interface ListedCommit {
  readonly version: number;
  readonly generation: number;
}

/** The JSON commits there are, oldest first, from version `from` on. */
export async function listCommits(
  store: ObjectStore,
  path: string,
  from = 0,
): Promise<ListedCommit[]> {
  const prefix = logPrefix(path);
  const after = from > 0 ? { after: commitObject(path, from - 1) } : {};
  const objects = await store.list(prefix, after);
  return objects.flatMap(({ name, generation }) => {
    const file = name.slice(prefix.length);
    return commitName.test(file)
      ? [{ version: Number(file.slice(0, versionDigits)), generation }]
      : [];
  });
}

/** Which bytes commit 0 has now; null when there is none, or it was cleaned up. */
export async function firstGeneration(store: ObjectStore, path: string): Promise<number | null> {
  const [first] = await store.list(commitObject(path, 0), { limit: 1 });
  return first?.generation ?? null;
}

/** Which bytes a commit has now, unread: a list costs more. Null when there is none. */
export async function commitGeneration(
  store: ObjectStore,
  path: string,
  version: number,
): Promise<number | null> {
  return (await store.info(commitObject(path, version)))?.generation ?? null;
}

/** How a log begins: its first JSON commit, and whether a checkpoint stands for what was before. */
export interface LogBeginning {
  /** Null: the log has no JSON commit. */
  readonly first: number | null;
  readonly checkpointed: boolean;
}

const checkpointName = /^\d{20}\.checkpoint\b/;

/** Commits are only cleaned up once a checkpoint has them (Delta: Metadata Cleanup). */
export async function logBeginning(store: ObjectStore, path: string): Promise<LogBeginning> {
  const prefix = logPrefix(path);
  const files = (await store.list(prefix)).map(({ name }) => name.slice(prefix.length));
  const first = files.find((file) => commitName.test(file));
  return {
    first: first === undefined ? null : Number(first.slice(0, versionDigits)),
    checkpointed: files.some((file) => checkpointName.test(file)),
  };
}

/** Reads one commit, giving way to other work every few milliseconds while it parses. */
export async function readCommit(
  store: ObjectStore,
  path: string,
  version: number,
): Promise<FoundCommit> {
  const object = await store.read(commitObject(path, version));
  return object === null ? { kind: "absent", version } : parsed(object, version);
}

/** Commits of a log from version `from` on, in order, until one is absent or cannot be read. */
export async function* readLog(
  store: ObjectStore,
  path: string,
  from: number,
): AsyncGenerator<FoundCommit> {
  const ahead: Promise<FoundCommit>[] = [];
  let width = 1;
  for (let next = from; ; ) {
    while (ahead.length < width) ahead.push(settledLater(readCommit(store, path, next++)));
    const found = await ahead.shift();
    if (found === undefined || found.kind === "absent") return;
    yield found;
    if (found.kind !== "commit") return;
    width = Math.min(readAhead, width * 2);
  }
}

/** A promise that may never be awaited must not end the process when it rejects. */
function settledLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

async function parsed(object: StoredObject, version: number): Promise<FoundCommit> {
  const { bytes, generation, updatedAt } = object;
  const found = await parsedActions(bytes);
  if (found.kind !== "commit") return { ...found, version, generation };
  const { commit } = found;
  return { kind: "commit", version, commit, at: commit.at ?? updatedAt, generation };
}

/** Parses lines of actions, giving way to other work every few milliseconds. */
export async function parsedActions(bytes: Uint8Array): Promise<ParsedCommit> {
  const parsing = parsingCommit(bytes);
  for (;;) {
    const step = parsing.next();
    if (step.done === true) return step.value;
    if (bytes.length > quickBytes) await otherWork();
  }
}

/** Commits up to this size are parsed without a pause. */
const quickBytes = 512 * 1024;
