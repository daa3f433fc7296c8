import type { Changes, Known } from "../../core/draft.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { DocumentId } from "../../schemas/documents.ts";

/**
 * The documents this dispatcher has read or written, so that what it knows is not read again.
 *
 * They may be stale: another dispatcher may have written since. A decision made on a stale document
 * fails its checks and is made again after `forget`; so nothing is decided on them, only proposed.
 */
export interface Documents {
  readonly known: ReadonlyMap<DocumentId, Known>;
  read(ids: readonly DocumentId[]): Promise<void>;
  /** The changes were committed at `version`. */
  committed(changes: Changes, version: string): void;
  forget(changes: Changes): void;
  clear(): void;
}

/**
 * Every dispatcher writes these: what this one wrote is stale when it is wanted next, and reading it
 * along with the rest costs less than a commit that is refused.
 */
const shared = "pools/";

export function documentsOf(store: TaskStore, keptMax = 50_000): Documents {
  const known = new Map<DocumentId, Known>();
  const remember = (id: DocumentId, document: Known) => {
    known.delete(id);
    known.set(id, document);
  };
  const trim = () => {
    for (const id of known.keys()) {
      if (known.size <= keptMax) return;
      known.delete(id);
    }
  };
  return {
    known,
    async read(ids) {
      trim();
      for (const [id, document] of await store.read(ids)) remember(id, document);
    },
    committed({ writes }, version) {
      for (const { id, body } of writes) {
        if (id.startsWith(shared)) known.delete(id);
        else remember(id, { version, body });
      }
    },
    forget({ writes, checks }) {
      for (const { id } of writes) known.delete(id);
      for (const { id } of checks) known.delete(id);
    },
    clear: () => known.clear(),
  };
}
