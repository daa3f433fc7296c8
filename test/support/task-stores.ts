import type { Read, TaskStore, Write } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";

type Body = Write["body"];

/** Reads one document. */
export async function get(store: TaskStore, id: DocumentId): Promise<Read> {
  const read = (await store.read([id])).get(id);
  if (read === undefined) throw new Error(`${id} was not in the answer`);
  return read;
}

/** Writes one document over whatever is there; answers its version. */
export async function put(store: TaskStore, id: DocumentId, body: Body): Promise<string> {
  const { version } = await get(store, id);
  const answer = await store.commit({ writes: [{ id, body, version }], checks: [] });
  if (answer.kind !== "committed") throw new Error(`${id}: ${answer.kind}`);
  return answer.version;
}

export async function putAll(
  store: TaskStore,
  ...documents: readonly (readonly [DocumentId, Body])[]
) {
  for (const [id, body] of documents) await put(store, id, body);
}
