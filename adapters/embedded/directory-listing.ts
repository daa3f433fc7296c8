import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf, pathOfName, storeError, unfinishedFolder } from "./object-names.ts";

/** Which names are wanted: those with the prefix that sort after `after`. */
export interface ListQuery {
  readonly prefix: string;
  readonly after: string;
}

/**
 * Names below `root` in their order. Holds the names of the folders on the way, never all names:
 * folders that hold none of the wanted ones are not opened. Throws when a folder cannot be read.
 */
export async function* listFolder(root: string, query: ListQuery): AsyncGenerator<string> {
  const folder = query.prefix.slice(0, query.prefix.lastIndexOf("/") + 1);
  if (folder !== "") pathOfName(root, folder.slice(0, -1));
  yield* namesIn(root, folder, query);
}

/** `folder` is empty or ends with a slash. */
async function* namesIn(root: string, folder: string, query: ListQuery): AsyncGenerator<string> {
  for (const name of entriesOf(root, folder)) {
    const isFolder = name.endsWith("/");
    if (isFolder ? mayHold(name, query) : isWanted(name, query)) {
      if (isFolder) yield* namesIn(root, name, query);
      else yield name;
    }
  }
}

function isWanted(name: string, { prefix, after }: ListQuery): boolean {
  return name > after && name.startsWith(prefix);
}

/** Whether names in a folder can be wanted: all begin with the folder's name. */
function mayHold(folder: string, { prefix, after }: ListQuery): boolean {
  if (!folder.startsWith(prefix) && !prefix.startsWith(folder)) return false;
  return folder > after || after.startsWith(folder);
}

/** Names of files, and of folders with a slash at the end, as objects below them sort. */
function entriesOf(root: string, folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw storeError(`list ${folder === "" ? root : folder}`, cause);
  }
  return entries
    .filter(({ name }) => folder !== "" || name !== unfinishedFolder)
    .map((entry) => (entry.isDirectory() ? `${folder}${entry.name}/` : `${folder}${entry.name}`))
    .sort();
}
