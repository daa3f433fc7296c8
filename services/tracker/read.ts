import type { Read, TaskStore } from "../../ports/task-store.ts";
import type { DocumentId, DocumentOf } from "../../schemas/documents.ts";
import type { MetadataDocument } from "../../schemas/metadata.ts";
import type { StreamDocument } from "../../schemas/streams.ts";

/** Documents that are read at once: more a store may not take. */
const readMax = 400;

/** Reads documents by id, as many at once as a store takes. */
export async function readAll(
  store: TaskStore,
  ids: readonly DocumentId[],
): Promise<ReadonlyMap<DocumentId, Read>> {
  const found = new Map<DocumentId, Read>();
  for (let at = 0; at < ids.length; at += readMax) {
    for (const [id, read] of await store.read(ids.slice(at, at + readMax))) found.set(id, read);
  }
  return found;
}

/** Every stream that has a document, in order of config. */
export async function streamsIn(store: TaskStore): Promise<StreamDocument[]> {
  const named = (await store.read(["streaming/all"])).get("streaming/all")?.body ?? null;
  const configs = (named as DocumentOf<"streaming/all"> | null)?.configs ?? [];
  const ids = configs.map((config) => `streams/${config}` as const);
  const read = await readAll(store, ids);
  return ids.flatMap((id) => (read.get(id)?.body as StreamDocument | null | undefined) ?? []);
}

/** How the online store's metadata stands; null before anything was written. */
export async function metadataIn(store: TaskStore): Promise<MetadataDocument | null> {
  const read = (await store.read(["metadata/current"])).get("metadata/current");
  return (read?.body ?? null) as MetadataDocument | null;
}
