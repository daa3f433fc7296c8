import { RetryableError } from "../../ports/errors.ts";

/** Codes of gRPC that Dataproc answers with. */
export const CODE = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The code of an answer of Dataproc; 0, which no error has, for what is not an answer. */
export function codeOf(cause: unknown): number {
  if (!(cause instanceof Error) || !("code" in cause)) return 0;
  return typeof cause.code === "number" ? cause.code : 0;
}

/** What Dataproc said, in one line. */
export function saidBy(cause: unknown): string {
  const details = cause instanceof Error && "details" in cause ? cause.details : null;
  const text = typeof details === "string" && details !== "" ? details : String(cause);
  return text.replaceAll(/\s+/g, " ").trim().slice(0, 500);
}

/** An answer that may be another one later, in words. */
export function retryable(what: string, cause: unknown): RetryableError {
  return new RetryableError(`${what}: ${reasonOf(cause)}`, { cause });
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case CODE.resourceExhausted:
      return `a quota of Dataproc is used up (${saidBy(cause)}); it is tried again, ask for more quota if this lasts`;
    case CODE.unauthenticated:
      return `Google Cloud does not take Landfall's credentials (${saidBy(cause)})`;
    case CODE.permissionDenied:
      return `Landfall's service account may not do that (${saidBy(cause)}): give it roles/dataproc.editor`;
    case CODE.deadlineExceeded:
      return "Dataproc did not answer in time";
    default:
      return `Dataproc answered ${saidBy(cause)}`;
  }
}
