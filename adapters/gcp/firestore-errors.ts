import { PermanentError, RetryableError } from "../../ports/errors.ts";

/** Codes of gRPC, https://grpc.io/docs/guides/status-codes/ */
const CANCELLED = 1;
const UNKNOWN = 2;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/**
 * What became of a commit that was answered by an error. `refused`: a precondition did not hold.
 * `contended`: others wanted the same documents at the same moment; nothing was written either.
 * `unknown`: it may have been written. `failed`: it was not, for another reason.
 */
export type CommitFailure = "refused" | "contended" | "unknown" | "failed";

/** Whether a commit that ended in an error can have been written. */
export function commitFailure(cause: unknown): CommitFailure {
  switch (codeOf(cause)) {
    case NOT_FOUND:
      return namesDatabase(cause) ? "failed" : "refused";
    case ALREADY_EXISTS:
    case FAILED_PRECONDITION:
      return "refused";
    case ABORTED:
      return "contended";
    case CANCELLED:
    case UNKNOWN:
    case DEADLINE_EXCEEDED:
    case INTERNAL:
    case UNAVAILABLE:
      return "unknown";
    default:
      return "failed";
  }
}

/** An error of Firestore as the ports know errors, with what an operator can do about it. */
export function operatingError(cause: unknown, database: string): unknown {
  const message = messageOf(cause);
  const permanent = (advice: string) =>
    new PermanentError(`${advice} (Firestore says: ${message})`, { cause });
  const away = () =>
    new RetryableError(`${database} does not answer as it should: ${message}`, { cause });
  switch (codeOf(cause)) {
    case PERMISSION_DENIED:
      return permanent(
        `${database} may not be used: grant this service account roles/datastore.user`,
      );
    case UNAUTHENTICATED:
      if (gotNoToken(message)) return away();
      return permanent(
        `${database} takes no request from here: run as a service account, or run gcloud auth application-default login`,
      );
    case NOT_FOUND:
      return permanent(`${database} is not there: create it in Native mode, or name another one`);
    case INVALID_ARGUMENT:
      return permanent(`${database} cannot keep or find what was asked`);
    case FAILED_PRECONDITION:
      return permanent(`${database} lacks an index: deploy firestore.indexes.json`);
    case RESOURCE_EXHAUSTED:
      return new RetryableError(
        `${database} has no quota left: raise it, or wait until it is given again (${message})`,
        { cause },
      );
    case CANCELLED:
    case UNKNOWN:
    case DEADLINE_EXCEEDED:
    case ABORTED:
    case INTERNAL:
    case UNAVAILABLE:
      return away();
    default:
      return message.includes("default credentials")
        ? permanent(
            "no Google credentials here: run as a service account, or run gcloud auth application-default login",
          )
        : cause;
  }
}

/** Whoever gives out tokens did not answer; that is no verdict on these credentials. */
export function gotNoToken(message: string): boolean {
  return message.includes("Getting metadata from plugin failed");
}

function namesDatabase(cause: unknown): boolean {
  return /\bdatabase\b.*\bdoes not exist\b/i.test(messageOf(cause));
}

/** 0 when the error is not one of gRPC. */
function codeOf(cause: unknown): number {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === "number" ? code : 0;
}

/** The message of an error, in one line. */
export function messageOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replaceAll(/\s*\n\s*/g, " ");
}
