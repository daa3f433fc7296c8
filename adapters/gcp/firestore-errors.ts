import { status } from "@grpc/grpc-js";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { codeOf, gotNoToken, lacksCredentials, messageOf } from "./grpc-errors.ts";

/**
 * What became of a commit that was answered by an error. `refused`: a precondition did not hold.
 * `contended`: others wanted the same documents at the same moment; nothing was written either.
 * `unknown`: it may have been written. `failed`: it was not, for another reason.
 */
export type CommitFailure = "refused" | "contended" | "unknown" | "failed";

/** Whether a commit that ended in an error can have been written. */
export function commitFailure(cause: unknown): CommitFailure {
  switch (codeOf(cause)) {
    case status.NOT_FOUND:
      return namesDatabase(cause) ? "failed" : "refused";
    case status.ALREADY_EXISTS:
    case status.FAILED_PRECONDITION:
      return "refused";
    case status.ABORTED:
      return "contended";
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.DEADLINE_EXCEEDED:
    case status.INTERNAL:
    case status.UNAVAILABLE:
      return "unknown";
    default:
      return "failed";
  }
}

/**
 * An error of Firestore as the ports know errors, with what an operator can do about it. What an
 * operator can put right is worth another try: events that meanwhile could not be handled must wait
 * for it, and a final error would put each of them aside.
 */
export function operatingError(cause: unknown, database: string): unknown {
  const message = messageOf(cause);
  const wrong = (advice: string) =>
    new RetryableError(`${advice} (Firestore says: ${message})`, { cause });
  const away = () =>
    new RetryableError(`${database} does not answer as it should: ${message}`, { cause });
  switch (codeOf(cause)) {
    case status.PERMISSION_DENIED:
      return wrong(`${database} may not be used: grant this service account roles/datastore.user`);
    case status.UNAUTHENTICATED:
      if (gotNoToken(message)) return away();
      return wrong(
        `${database} takes no request from here: run as a service account, or run gcloud auth application-default login`,
      );
    case status.NOT_FOUND:
      return wrong(`${database} is not there: create it in Native mode, or name another one`);
    case status.INVALID_ARGUMENT:
      return new PermanentError(
        `${database} cannot keep or find what was asked (Firestore says: ${message})`,
        { cause },
      );
    case status.FAILED_PRECONDITION:
      return wrong(`${database} lacks an index: deploy firestore.indexes.json`);
    case status.RESOURCE_EXHAUSTED:
      return new RetryableError(
        `${database} has no quota left: raise it, or wait until it is given again (${message})`,
        { cause },
      );
    case status.CANCELLED:
    case status.UNKNOWN:
    case status.DEADLINE_EXCEEDED:
    case status.ABORTED:
    case status.INTERNAL:
    case status.UNAVAILABLE:
      return away();
    default:
      return lacksCredentials(message)
        ? wrong(
            "no Google credentials here: run as a service account, or run gcloud auth application-default login",
          )
        : cause;
  }
}

function namesDatabase(cause: unknown): boolean {
  return /\bdatabase\b.*\bdoes not exist\b/i.test(messageOf(cause));
}
