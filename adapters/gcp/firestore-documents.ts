import { randomBytes } from "node:crypto";
import { hasEnded } from "../../core/attempts.ts";
import { queuePlace } from "../../core/queue-place.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { Check, DocumentVersion, Write } from "../../ports/task-store.ts";
import {
  collectionOf,
  type DocumentId,
  type DocumentOf,
  parseDocument,
} from "../../schemas/documents.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { Change, Precondition, StoredDocument } from "./firestore-database.ts";
import { documentPath } from "./firestore-names.ts";
import { bodyOf, type Fields, fieldsOf, type Moment } from "./firestore-values.ts";
import { messageOf } from "./grpc-errors.ts";

/** Fields that documents have beside their bodies' own. */
export const OWN_FIELDS = ["commit", "readySince", "changedAt"] as const;

/** Those that only tasks have. */
export const OWN_FIELDS_OF_TASKS: readonly string[] = ["readySince", "changedAt"];

/**
 * Names for commits, another one each time. Every document carries that of the commit that wrote it
 * last, so that no write leaves it as it was: Firestore keeps the update time of a document whose
 * fields do not change, and a version would then not tell that it was written.
 */
export function commitNames(): () => string {
  const opening = randomBytes(9).toString("base64url");
  let count = 0;
  return () => `${opening}.${(++count).toString(36)}`;
}

/** How one document is to change. */
export function changeOf({ id, body, version }: Write, commit: string): Change {
  const path = documentPath(id);
  const precondition = preconditionOf(version);
  return body === null
    ? { kind: "delete", path, if: precondition }
    : {
        kind: "put",
        path,
        fields: storedFields(id, body, commit),
        ...(collectionOf(id) === "tasks" && hasEnded(body as Task) ? { timed: "changedAt" } : {}),
        if: precondition,
      };
}

/** That one document is to be as it was. */
export function unchanged({ id, version }: Check): Change {
  return { kind: "unchanged", path: documentPath(id), if: preconditionOf(version) };
}

function storedFields(id: DocumentId, body: DocumentOf<DocumentId>, commit: string): Fields {
  if (collectionOf(id) !== "tasks") return fieldsOf({ ...body, commit });
  const { state } = body as Task;
  return fieldsOf({ ...body, commit, readySince: queuePlace(state) });
}

/** Throws `PermanentError`, naming the document, when it is none of ours. */
export function documentOf<Id extends DocumentId>(
  id: Id,
  { fields }: StoredDocument,
): DocumentOf<Id> {
  try {
    const body = bodyOf(fields);
    for (const name of OWN_FIELDS) delete body[name];
    return parseDocument(id, body);
  } catch (cause) {
    const advice = "if a newer Landfall wrote it, use that one";
    throw new PermanentError(`cannot read document ${id} (${messageOf(cause)}): ${advice}`, {
      cause,
    });
  }
}

/** An update time at full precision: `seconds.nanoseconds`. */
export function versionAt({ seconds, nanos }: Moment): DocumentVersion {
  return `${seconds}.${String(nanos).padStart(9, "0")}`;
}

/** Whether a version is one that a document here can have. */
export function isPossible(version: DocumentVersion | null): boolean {
  return version === null || momentPattern.test(version);
}

const momentPattern = /^(\d{1,12})\.(\d{9})$/;

function preconditionOf(version: DocumentVersion | null): Precondition {
  if (version === null) return { exists: false };
  const [, seconds = "", nanos = ""] = momentPattern.exec(version) ?? [];
  return { updateTime: { seconds, nanos: Number(nanos) } };
}
