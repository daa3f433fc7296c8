import type { Check, DocumentVersion } from "../ports/task-store.ts";
import { collectionOf, type DocumentId } from "../schemas/documents.ts";

const commitDocumentsMax = 500;

/** The version each document must have. Throws when one is named twice: a bug of the caller. */
export function expectedBy(all: readonly Check[]): ReadonlyMap<DocumentId, DocumentVersion | null> {
  if (all.length > commitDocumentsMax) {
    throw new Error(
      `a commit has ${all.length} documents, at most ${commitDocumentsMax} are taken`,
    );
  }
  const expected = new Map<DocumentId, DocumentVersion | null>();
  for (const { id, version } of all) {
    if (expected.has(id)) throw new Error(`a commit names ${id} twice`);
    collectionOf(id);
    expected.set(id, version);
  }
  return expected;
}
