import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open, readdir, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { filter, type Observable, share } from "rxjs";
import { otherWork } from "../../lake/other-work.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  ObjectInfo,
  ObjectNotification,
  ObjectStore,
  StoredObject,
} from "../../ports/object-store.ts";
import { listFolder } from "./directory-listing.ts";
import { type FolderChoice, folderNotifications } from "./directory-notifications.ts";
import { codeOf, objectInfo, pathOfName, storeError, unfinishedFolder } from "./object-names.ts";

export interface DirectoryObjectStoreOptions {
  /** Folder of the objects; made by the first write. */
  readonly root: string;
  readonly clock?: Pick<Clock, "now">;
  /** Which folders inside a folder are watched; all of them when left out. */
  readonly watched?: FolderChoice;
  /** Distance of looks at folders that the kernel does not watch for us. */
  readonly reconcileMs?: number;
  /** Told in one line what cannot be watched; a warning of the process when left out. */
  readonly warn?: (message: string) => void;
}

/**
 * A folder as an object store: a name is the path below `root`. Another process may write there
 * too, by renaming finished files into place; a file that is written in place is notified again
 * when it changed.
 *
 * An object appears by `rename`, or by `link` with `ifAbsent`, of a file finished elsewhere on the
 * same file system: readers never see half of one, and of several `ifAbsent` writers one wins. Not
 * synced to disk: it survives `kill -9`, not a power cut. Generations grow as long as one process
 * at a time writes a name over again, as is so for every name of Landfall.
 *
 * Symbolic links to files are followed; links to folders are not, as they may lead in circles.
 */
export function directoryObjectStore(options: DirectoryObjectStoreOptions): ObjectStore {
  const root = resolve(options.root);
  const writing: Writing = {
    root,
    now: () => options.clock?.now() ?? Date.now(),
    turns: new Map(),
    swept: null,
  };
  const all = folderNotifications({
    root,
    watched: options.watched ?? (() => true),
    reconcileMs: options.reconcileMs ?? 1_000,
    warn: options.warn ?? ((message) => process.emitWarning(message)),
  }).pipe(share());
  return {
    read: (name) => readObject(root, name),
    info: async (name) => infoOf(root, name),
    list: (prefix, { after = "", limit = Number.POSITIVE_INFINITY } = {}) =>
      listObjects(root, { prefix, after, limit }),
    write: (name, bytes, { ifAbsent = false } = {}) =>
      ifAbsent
        ? writeIfAbsent(writing, name, bytes)
        : oneByOne(writing, name, () => writeOver(writing, name, bytes)),
    notifications: (prefixes = []) => withPrefix(all, prefixes),
    async close() {},
  };
}

function withPrefix(
  all: Observable<ObjectNotification>,
  prefixes: readonly string[],
): Observable<ObjectNotification> {
  if (prefixes.length === 0) return all;
  return all.pipe(filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix))));
}

/** What is larger is read without holding up other work. */
const quickBytes = 1_000_000;

async function readObject(root: string, name: string): Promise<StoredObject | null> {
  const path = pathOfName(root, name);
  try {
    const quick = readQuickly(path, name);
    return quick === "large" ? await readLarge(path, name) : quick;
  } catch (cause) {
    if (isAbsent(cause)) return null;
    throw storeError(`read ${name}`, cause);
  }
}

function readQuickly(path: string, name: string): StoredObject | "large" | null {
  // Logs are read until a commit is absent: an error for each would cost more than the read.
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  // Without O_NONBLOCK opening a named pipe waits for its writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file, { bigint: true });
    if (!stats.isFile()) return null;
    if (stats.size > quickBytes) return "large";
    return { ...objectInfo(name, stats), bytes: readFileSync(file) };
  } finally {
    closeSync(file);
  }
}

async function readLarge(path: string, name: string): Promise<StoredObject> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat({ bigint: true });
  return { ...objectInfo(name, stats), bytes: await file.readFile() };
}

/** No such file, or a file where a folder would have to be. */
function isAbsent(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Looks at objects between which other work has its turn. */
const statsAtOnce = 64;

async function listObjects(
  root: string,
  query: { readonly prefix: string; readonly after: string; readonly limit: number },
): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  if (query.limit < 1) return found;
  let looked = 0;
  for await (const name of listFolder(root, query)) {
    const info = infoOf(root, name);
    if (info !== null) found.push(info);
    if (found.length >= query.limit) return found;
    if (++looked % statsAtOnce === 0) await otherWork();
  }
  return found;
}

function infoOf(root: string, name: string): ObjectInfo | null {
  const path = pathOfName(root, name);
  try {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats?.isFile() === true ? objectInfo(name, stats) : null;
  } catch (cause) {
    if (isAbsent(cause) || codeOf(cause) === "ELOOP") return null;
    throw storeError(`look at ${name}`, cause);
  }
}

interface Writing {
  readonly root: string;
  readonly now: () => number;
  /** The last overwrite of each name that is not finished. */
  readonly turns: Map<string, Promise<unknown>>;
  /** Removing what writers that died left behind; null before the first write. */
  swept: Promise<void> | null;
}

/** Overwrites of one name wait for one another, so that generations grow in the order of renames. */
async function oneByOne<R>(writing: Writing, name: string, work: () => Promise<R>): Promise<R> {
  const { turns } = writing;
  const turn = (turns.get(name) ?? Promise.resolve()).then(work);
  const settled = turn.catch(() => {});
  turns.set(name, settled);
  try {
    return await turn;
  } finally {
    if (turns.get(name) === settled) turns.delete(name);
  }
}

async function writeOver(writing: Writing, name: string, bytes: Uint8Array): Promise<"written"> {
  const path = pathOfName(writing.root, name);
  const before = generationAt(path, name);
  await placed(writing, { name, path, bytes, above: before }, (unfinished) =>
    renameSync(unfinished, path),
  );
  return "written";
}

async function writeIfAbsent(
  writing: Writing,
  name: string,
  bytes: Uint8Array,
): Promise<"written" | "exists"> {
  const path = pathOfName(writing.root, name);
  if (generationAt(path, name) !== null) return "exists";
  return placed(writing, { name, path, bytes, above: null }, (unfinished) => {
    try {
      linkSync(unfinished, path);
      return "written";
    } catch (cause) {
      if (codeOf(cause) === "EEXIST") return "exists";
      throw cause;
    } finally {
      rmSync(unfinished, { force: true });
    }
  });
}

/** Generation of the object that is there, or null. */
function generationAt(path: string, name: string): number | null {
  try {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return null;
    if (stats.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    return objectInfo(name, stats).generation;
  } catch (cause) {
    throw storeError(`write ${name}`, cause);
  }
}

/** Folders may be removed by others between making them and moving a file there. */
const placingAttempts = 5;

/** Writes the bytes aside and moves them into place, making folders as needed. */
async function placed<R>(
  writing: Writing,
  object: {
    readonly name: string;
    readonly path: string;
    readonly bytes: Uint8Array;
    readonly above: number | null;
  },
  move: (unfinished: string) => R,
): Promise<R> {
  const { root, now } = writing;
  writing.swept ??= removeUnfinished(root).catch(() => {});
  await writing.swept;
  const unfinished = join(root, unfinishedFolder, randomUUID());
  for (let attempt = 1; ; attempt += 1) {
    try {
      writeUnfinished(unfinished, object.bytes, Math.max(now() * 1_000, (object.above ?? 0) + 1));
      return move(unfinished);
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => {});
      if (codeOf(cause) !== "ENOENT" || attempt === placingAttempts) {
        throw storeError(`write ${object.name}`, cause);
      }
      makeFolders([dirname(unfinished), dirname(object.path)], object.name);
    }
  }
}

function makeFolders(folders: readonly string[], name: string): void {
  try {
    for (const folder of folders) mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw storeError(`write ${name}`, cause);
  }
}

/** The middle of a microsecond survives the rounding of seconds as a double. */
function writeUnfinished(path: string, bytes: Uint8Array, generation: number): void {
  const file = openSync(path, "wx");
  try {
    writeFileSync(file, bytes);
    const seconds = (generation + 0.5) / 1_000_000;
    futimesSync(file, seconds, seconds);
  } finally {
    closeSync(file);
  }
}

/** A write takes no longer than this; what is older was left by a writer that died. */
const unfinishedMs = 3_600_000;

async function removeUnfinished(root: string): Promise<void> {
  const folder = join(root, unfinishedFolder);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats !== null && Date.now() - stats.ctimeMs > unfinishedMs)
      await rm(path, { force: true });
  }
}
