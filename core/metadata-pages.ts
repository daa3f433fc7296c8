import type { WrittenRow } from "../schemas/metadata.ts";
import type { Rows } from "./metadata.ts";

/** Rows of one document: some 200 bytes each, far below Firestore's 1 MiB; and few enough to encode in a moment. */
const rowsPerPage = 500;

/**
 * The ledger's rows as documents that a person reads: by the folder at the beginning of a config's
 * name (`risk` of `joins/risk.checkout.v1`), in order of key, a second page only when one is full.
 */
export function pagesOf(rows: Rows): Map<string, Record<string, WrittenRow>> {
  const folders = new Map<string, string[]>();
  for (const key of [...rows.keys()].sort()) {
    const folder = folderOf(key);
    const keys = folders.get(folder);
    if (keys === undefined) folders.set(folder, [key]);
    else keys.push(key);
  }
  const pages = new Map<string, Record<string, WrittenRow>>();
  for (const [folder, keys] of folders) {
    for (let at = 0; at < keys.length; at += rowsPerPage) {
      const page = at === 0 ? folder : `${folder}~${at / rowsPerPage + 1}`;
      const entries = keys.slice(at, at + rowsPerPage).flatMap((key) => {
        const row = rows.get(key);
        return row === undefined ? [] : [[key, row] as const];
      });
      pages.set(page, Object.fromEntries(entries));
    }
  }
  return pages;
}

/** Names without a folder share one. */
function folderOf(key: string): string {
  const name = key.slice(key.indexOf("/") + 1);
  const dot = name.indexOf(".");
  return dot <= 0 ? "-" : name.slice(0, dot);
}

/** Those of the pages on which the row of a key may be. */
export function pagesFor(key: string, pages: readonly string[]): string[] {
  const folder = folderOf(key);
  return pages.filter((page) => page === folder || page.startsWith(`${folder}~`));
}
