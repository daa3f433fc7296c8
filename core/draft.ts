import type { DocumentId, DocumentOf } from "../schemas/documents.ts";

/** A document as somebody read it; `version: null` when it was not there. */
export type Known =
  | { readonly version: string; readonly body: DocumentOf<DocumentId> }
  | { readonly version: null; readonly body: null };

/** Thrown by `get` for a document nobody has read yet; the caller reads it and decides again. */
export class Unread extends Error {
  readonly ids: readonly DocumentId[];
  constructor(ids: readonly DocumentId[]) {
    super(`not read yet: ${ids.join(", ")}`);
    this.ids = ids;
  }
}

/** Looks; where something was not read yet, what else is likely to be wanted is read along with it. */
export function lookingAhead<R>(look: () => R, ahead: () => readonly DocumentId[]): R {
  try {
    return look();
  } catch (cause) {
    if (!(cause instanceof Unread)) throw cause;
    throw new Unread([...cause.ids, ...ahead()]);
  }
}

/** The writes a decision wants and the checks it stands on. */
export interface Changes {
  readonly writes: readonly {
    readonly id: DocumentId;
    readonly body: DocumentOf<DocumentId>;
    readonly version: string | null;
  }[];
  readonly checks: readonly { readonly id: DocumentId; readonly version: string | null }[];
}

/** What can be looked at. */
export interface View {
  /** The document, or null when it is absent. Throws `Unread`. */
  get<Id extends DocumentId>(id: Id): DocumentOf<Id> | null;
  /** Throws one `Unread` that names all of `ids` that were not read, so they are read together. */
  need(ids: readonly DocumentId[]): void;
}

/** A view that can be written on; later looks see earlier writes. */
export interface Draft extends View {
  put<Id extends DocumentId>(id: Id, body: DocumentOf<Id>): void;
  changes(): Changes;
  /** Documents read or written so far. */
  size(): number;
}

/**
 * A draft over documents that were read. It records what was looked at: everything that is not
 * written becomes a check, so a decision commits only if all it saw still holds.
 */
export function draftOver(known: ReadonlyMap<DocumentId, Known>): Draft {
  const seen = new Map<DocumentId, string | null>();
  const written = new Map<DocumentId, DocumentOf<DocumentId>>();
  const look = (id: DocumentId): Known => {
    const found = known.get(id);
    if (found === undefined) throw new Unread([id]);
    seen.set(id, found.version);
    return found;
  };
  return {
    get<Id extends DocumentId>(id: Id) {
      const body = look(id).body;
      return (written.get(id) ?? body) as DocumentOf<Id> | null;
    },
    need(ids) {
      const unread = ids.filter((id) => !known.has(id));
      if (unread.length > 0) throw new Unread(unread);
    },
    put(id, body) {
      look(id);
      written.set(id, body);
    },
    changes: () => ({
      writes: [...written].map(([id, body]) => ({ id, body, version: seen.get(id) ?? null })),
      checks: [...seen]
        .filter(([id]) => !written.has(id))
        .map(([id, version]) => ({ id, version })),
    }),
    size: () => seen.size,
  };
}
