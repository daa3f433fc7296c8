import { type BigIntStats, existsSync, type FSWatcher, lstatSync, statSync, watch } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Observable } from "rxjs";
import type { ObjectNotification } from "../../ports/object-store.ts";
import { codeOf, objectInfo, storeError, unfinishedFolder } from "./object-names.ts";

/**
 * Whether a folder is watched, by its name without a slash at the end. `has` tells whether
 * something of a name lies beside it.
 */
export type FolderChoice = (folder: string, has: (sibling: string) => boolean) => boolean;

export interface FolderNotificationsOptions {
  readonly root: string;
  readonly watched: FolderChoice;
  readonly reconcileMs: number;
  readonly warn: (message: string) => void;
}

/** How long a file written in place must rest before it is notified once more. */
const restMs = 20;
/** Folders entered at the same time while a tree is walked. */
const walkers = 16;
/** File times come from a clock that ticks every few milliseconds. */
const clockTickMs = 10;
/** The kernel's or the process's limits, which `watch` meets. */
const outOfWatches = new Set(["ENOSPC", "EMFILE", "ENFILE"]);
/** Names whose last notified generation is remembered, to leave out repeats. */
const remembered = 4_096;

/**
 * Files below `root` as they are finished: moved into place, linked, or left alone for a moment
 * after being written to. One inotify watch a folder, set by our own walk.
 *
 * Why not the recursive watch of Node 20: on Linux it sets a watch on every file as well (6,002 for
 * 1,001 folders of 5,000 files), and a lake has millions. A folder is listed after its watch is set, so that what was put there in between is not missed. Where the
 * kernel has no watches left, folders are looked at every `reconcileMs` instead.
 */
export function folderNotifications(
  options: FolderNotificationsOptions,
): Observable<ObjectNotification> {
  return new Observable((out) => {
    const tree = new WatchedTree(options, (notification) => out.next(notification));
    tree.start();
    return () => tree.close();
  });
}

interface Folder {
  /** Changes when the folder is removed and made again. */
  readonly identity: string;
  /** Null: looked at now and then, the kernel does not watch it. */
  readonly watcher: FSWatcher | null;
  /** When it was last looked at, milliseconds. */
  lookedAt: number;
}

/** The folders watched now; a class because it is all state, from `start` to `close`. */
class WatchedTree {
  private readonly folders = new Map<string, Folder>();
  private readonly resting = new Map<string, NodeJS.Timeout>();
  private readonly notified = new Map<string, number>();
  private readonly queue: { readonly folder: string; readonly since: number }[] = [];
  private walking = 0;
  private warned = false;
  private closed = false;
  private beat: NodeJS.Timeout | null = null;

  private readonly options: FolderNotificationsOptions;
  private readonly notify: (notification: ObjectNotification) => void;

  constructor(
    options: FolderNotificationsOptions,
    notify: (notification: ObjectNotification) => void,
  ) {
    this.options = options;
    this.notify = notify;
  }

  start(): void {
    this.enter("", Date.now() - clockTickMs);
    this.beat = setInterval(() => this.lookAgain(), this.options.reconcileMs);
  }

  close(): void {
    this.closed = true;
    if (this.beat !== null) clearInterval(this.beat);
    for (const timer of this.resting.values()) clearTimeout(timer);
    for (const { watcher } of this.folders.values()) watcher?.close();
    this.folders.clear();
  }

  /** Watches a folder and what is in it; reports files that came there after `since`. */
  private enter(folder: string, since: number): void {
    this.queue.push({ folder, since });
    this.walk();
  }

  private walk(): void {
    while (this.walking < walkers && !this.closed) {
      const next = this.queue.pop();
      if (next === undefined) return;
      this.walking += 1;
      this.visit(next.folder, next.since)
        .catch((cause: unknown) => this.tellUnreadable(next.folder, cause))
        .finally(() => {
          this.walking -= 1;
          this.walk();
        });
    }
  }

  private async visit(folder: string, since: number): Promise<void> {
    const stats = await lstat(join(this.options.root, folder), { bigint: true });
    if (this.closed || !stats.isDirectory()) return;
    const identity = `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
    const known = this.folders.get(folder);
    if (known !== undefined && known.identity !== identity) this.leave(folder);
    if (known?.identity === identity) known.lookedAt = Date.now();
    else {
      const watcher = this.watchFolder(folder);
      this.folders.set(folder, { identity, watcher, lookedAt: Date.now() });
    }
    // Whatever comes after these stats raises an event of the watch, where there is one.
    const { mtimeMs, ctimeMs } = await lstat(join(this.options.root, folder));
    const changed = Math.max(mtimeMs, ctimeMs) >= since;
    if (changed || known?.identity !== identity) await this.look(folder, since, changed);
  }

  /** Enters the folders of a folder and, when `files`, reports its files. */
  private async look(folder: string, since: number, files: boolean): Promise<void> {
    const entries = await readdir(join(this.options.root, folder), { withFileTypes: true });
    if (this.closed) return;
    const siblings = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      const name = `${folder}${entry.name}`;
      if (entry.isDirectory()) {
        if (
          this.isWatched(name, (beside) => siblings.has(beside)) &&
          !this.folders.has(`${name}/`)
        ) {
          this.enter(`${name}/`, since);
        }
      } else if (files) this.report(name, since);
    }
  }

  private isWatched(name: string, has: (sibling: string) => boolean): boolean {
    return name !== unfinishedFolder && this.options.watched(name, has);
  }

  private watchFolder(folder: string): FSWatcher | null {
    try {
      const watcher = watch(join(this.options.root, folder), (event, file) => {
        if (file === null) this.enter(folder, 0);
        else if (event === "rename") this.appeared(folder, `${folder}${file}`);
        else this.changed(`${folder}${file}`);
      });
      // A removed folder is left when its own parent tells.
      watcher.on("error", () => watcher.close());
      return watcher;
    } catch (cause) {
      const code = codeOf(cause);
      if (code === "ENOENT" || code === "ENOTDIR") throw cause;
      if (outOfWatches.has(code ?? "") && !this.warned) {
        this.warned = true;
        this.options.warn(
          `the kernel watches no more folders (${code} at ${folder || this.options.root}); the rest of ${this.options.root} is looked at every ${this.options.reconcileMs} ms. Raise fs.inotify.max_user_watches`,
        );
      }
      return null;
    }
  }

  /** Something of that name was made, moved or removed. */
  private appeared(folder: string, name: string): void {
    if (name === unfinishedFolder) return;
    const stats = statsOf(join(this.options.root, name));
    if (stats === null) {
      if (this.folders.has(`${name}/`)) this.leave(`${name}/`);
    } else if (!stats.isDirectory()) this.report(name, 0, stats);
    else if (
      this.isWatched(name, (beside) => existsSync(join(this.options.root, folder, beside)))
    ) {
      this.enter(`${name}/`, 0);
    }
  }

  /** Written in place: reported once it rested, as nobody tells when it is finished. */
  private changed(name: string): void {
    const timer = this.resting.get(name);
    if (timer !== undefined) {
      timer.refresh();
      return;
    }
    const rested = () => {
      this.resting.delete(name);
      const stats = statsOf(join(this.options.root, name));
      if (stats === null || stats.isDirectory()) return;
      const { generation } = objectInfo(name, stats);
      if (this.notified.get(name) !== generation) this.report(name, 0, stats);
    };
    this.resting.set(name, setTimeout(rested, restMs));
  }

  /**
   * Stats are taken on the spot: the kernel has just touched the file, so it costs microseconds,
   * where a pool of threads would put thousands of data files before one commit.
   */
  private report(name: string, since: number, known?: BigIntStats): void {
    const stats = known ?? statsOf(join(this.options.root, name));
    if (stats === null || !stats.isFile() || this.closed) return;
    if (Math.max(Number(stats.ctimeMs), Number(stats.mtimeMs)) < since) return;
    const info = objectInfo(name, stats);
    this.notified.delete(name);
    this.notified.set(name, info.generation);
    if (this.notified.size > remembered) {
      for (const oldest of this.notified.keys()) {
        this.notified.delete(oldest);
        break;
      }
    }
    this.notify(info);
  }

  /** Forgets a folder that is not there any more, and all within it. */
  private leave(folder: string): void {
    for (const [name, { watcher }] of this.folders) {
      if (!name.startsWith(folder)) continue;
      watcher?.close();
      this.folders.delete(name);
    }
  }

  /** Looks at the root, which may have been made anew, and at what the kernel does not watch. */
  private lookAgain(): void {
    if (this.walking > 0) return;
    if (!this.folders.has("")) this.enter("", 0);
    for (const [folder, { watcher, lookedAt }] of this.folders) {
      if (watcher === null || folder === "") this.enter(folder, lookedAt - clockTickMs);
    }
  }

  private tellUnreadable(folder: string, cause: unknown): void {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") {
      if (folder !== "") this.leave(folder);
      return;
    }
    this.options.warn(storeError(`watch ${folder || this.options.root}`, cause).message);
  }
}

/** Null when there is nothing of that path, or nothing that may be looked at. */
function statsOf(path: string): BigIntStats | null {
  try {
    const stats = lstatSync(path, { bigint: true });
    return stats.isSymbolicLink() ? statSync(path, { bigint: true }) : stats;
  } catch {
    return null;
  }
}
