import type { CommandDocument, MetadataDelete } from "../schemas/commands.ts";
import type { MetadataDocument, WrittenRow } from "../schemas/metadata.ts";
import type { Deciding } from "./deciding.ts";
import type { View } from "./draft.ts";
import { writesMetadata } from "./metadata-by.ts";
import { pagesFor } from "./metadata-pages.ts";
import { own } from "./own.ts";

/** What comes of a command to delete rows: all of them are to be deleted, or none. Throws `Unread`. */
export function outcomeForRows(
  { draft: view, settings }: Pick<Deciding, "draft" | "settings">,
  { keys }: MetadataDelete,
): CommandDocument["outcome"] {
  const refused = (reason: string) => ({ kind: "refused", reason }) as const;
  if (!writesMetadata(settings)) {
    return refused(`Landfall writes no metadata here: metadata.by is "${settings.metadata.by}"`);
  }
  const head = view.get("metadata/current");
  if (head === null) return refused("no metadata was uploaded yet");
  view.need(keys.flatMap((key) => idsFor(key, head)));
  for (const key of keys) {
    const row = rowIn(view, key, head);
    if (row === undefined) {
      return refused(
        `Landfall has no row ${key}; landfall metadata lists those whose configs are gone`,
      );
    }
    if (row.gone === undefined) {
      return refused(`the row ${key} is of a config that is there; release without it first`);
    }
  }
  return { kind: "accepted", tasks: [] };
}

function idsFor(key: string, { pages }: MetadataDocument) {
  return pagesFor(key, pages).map((page) => `metadata-rows/${page}` as const);
}

function rowIn(view: View, key: string, head: MetadataDocument): WrittenRow | undefined {
  for (const id of idsFor(key, head)) {
    const row = own(view.get(id)?.rows ?? {}, key);
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The head of the ledger in which it is asked for: whoever writes next finds it there. */
export function withAskedRows(head: MetadataDocument, { keys }: MetadataDelete): MetadataDocument {
  return { ...head, asked: [...new Set([...(head.asked ?? []), ...keys])] };
}
