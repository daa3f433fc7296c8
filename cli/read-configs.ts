import { createHash } from "node:crypto";
import type { Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { ConfigFile } from "../core/compile/config-file.ts";
import { ConfType } from "../schemas/plan.ts";
import { UsageError } from "./errors.ts";

/** Folders of a repository that hold compiled configs. */
const roots = new Set(["production", "compiled"]);
const folders = new Set<string>([...ConfType.options, "teams_metadata"]);
/** No compiled conf is this big; what is bigger was not meant to be one. */
const bytesMax = 16 * 1024 * 1024;
/** Files read at once. */
const openMax = 64;

/**
 * Reads a config repository: `dir` holds `production/` or `compiled/`, or is one of them, or holds
 * the folders of confs itself; and `teams.json` beside them. Paths are relative to the repository,
 * in order. Dot files, links to folders and links that lead out of the repository are left alone. A file that cannot
 * be read is in the answer and says why. Throws `UsageError` when there is no directory, it cannot
 * be listed, or it holds no configs.
 */
export async function readConfigs(dir: string): Promise<ConfigFile[]> {
  const real = await directory(dir);
  const inRoot = roots.has(basename(real));
  const home = inRoot ? dirname(real) : real;
  const starts = inRoot ? [basename(real)] : await startsIn(real, dir);
  const found: string[] = [];
  for (const start of starts) await walk({ home, path: start, found });
  const teams = (await kindOf({ home, path: "teams.json" })) === "file" ? ["teams.json"] : [];
  const paths = [...new Set([...found, ...teams])].sort();
  if (!paths.some((path) => path.split("/").some((part) => folders.has(part)))) {
    throw new UsageError(
      `no configs in ${dir}: it must hold or be production/ or compiled/, with ${ConfType.options.join(", ")} in it`,
    );
  }
  return readAll(home, paths);
}

interface Place {
  /** The repository, without links in its path. */
  readonly home: string;
  readonly path: string;
}

async function directory(dir: string): Promise<string> {
  try {
    const real = await realpath(dir);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    throw new UsageError(`cannot read configs: ${reasonOf(cause, dir)}`, { cause });
  }
  throw new UsageError(`cannot read configs: ${dir} is not a directory`);
}

/** `production` and `compiled` of a repository, else its folders of confs. */
async function startsIn(home: string, shown: string): Promise<string[]> {
  const entries = await listed(home, shown);
  const named = (names: ReadonlySet<string>) => entries.filter(({ name }) => names.has(name));
  const holders = named(roots);
  const starts = holders.length > 0 ? holders : named(folders);
  const kinds = await Promise.all(starts.map(({ name }) => kindOf({ home, path: name })));
  return starts.filter((_, at) => kinds[at] === "directory").map(({ name }) => name);
}

async function walk({ home, path, found }: Place & { found: string[] }): Promise<void> {
  for (const entry of await listed(join(home, path), join(home, path))) {
    if (entry.name.startsWith(".")) continue;
    const place = { home, path: `${path}/${entry.name}` };
    if (entry.isDirectory()) await walk({ ...place, found });
    else if (entry.isFile()) found.push(place.path);
    else if (entry.isSymbolicLink() && (await kindOf(place)) === "file") found.push(place.path);
  }
}

async function listed(dir: string, shown: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true });
  } catch (cause) {
    throw new UsageError(`cannot read configs: ${reasonOf(cause, shown)}`, { cause });
  }
}

/** What a path is, links followed; `other` when it is neither, or leads out of the repository. */
async function kindOf({ home, path }: Place): Promise<"file" | "directory" | "other"> {
  try {
    const real = await realpath(join(home, path));
    if (!real.startsWith(home + sep)) return "other";
    const info = await stat(real);
    return info.isDirectory() ? "directory" : info.isFile() ? "file" : "other";
  } catch {
    return "other";
  }
}

/** Reads files a few at a time: a process may not have thousands open. */
async function readAll(home: string, paths: readonly string[]): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (let at = 0; at < paths.length; at += openMax) {
    const some = paths.slice(at, at + openMax);
    files.push(...(await Promise.all(some.map((path) => readOne({ home, path })))));
  }
  return files;
}

async function readOne({ home, path }: Place): Promise<ConfigFile> {
  const full = join(home, path);
  try {
    const { size } = await stat(full);
    if (size > bytesMax) {
      const megabytes = Math.round(size / 1024 / 1024);
      return { path, text: "", unreadable: `it has ${megabytes} MB, more than any compiled conf` };
    }
    const text = await readFile(full, "utf8");
    return { path, text, hash: createHash("sha256").update(text).digest("hex") };
  } catch (cause) {
    return { path, text: "", unreadable: reasonOf(cause, path) };
  }
}

/** Why a path cannot be read, in a few words with its name in them. */
function reasonOf(cause: unknown, path: string): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  switch (code) {
    case "ENOENT":
      return `${path} does not exist`;
    case "EACCES":
    case "EPERM":
      return `no permission to read ${path}`;
    default:
      return `${path}: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
