import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { gotNoToken } from "./firestore-errors.ts";

/** Codes of gRPC after which the same call may succeed: cancelled, too late, no quota, contended, away. */
const retryable = new Set([1, 4, 8, 10, 14]);
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/** An error of Bigtable about a table as the ports know errors, with what an operator can do about it. */
export function operatingError(cause: unknown, table: string): unknown {
  const failures = failuresOf(cause);
  const lasting = failures.find(({ code }) => code === null || !retryable.has(code));
  const { code, message } = lasting ?? failures[0] ?? { code: null, message: "" };
  const permanent = (advice: string) =>
    new PermanentError(`${advice} (Bigtable says: ${message})`, { cause });
  if (/column family|unknown family/i.test(message)) {
    return permanent(`table ${table} has no family cf, where Chronon keeps its cells: add it`);
  }
  if (message.includes("is not formatted correctly")) {
    return permanent(
      `${JSON.stringify(table)} is no name of a table: letters, digits, _ . and - are`,
    );
  }
  if (message.includes("default credentials")) {
    return permanent(
      "no Google credentials here: run as a service account, or run gcloud auth application-default login",
    );
  }
  if (code === null) return cause;
  if (retryable.has(code) || gotNoToken(message)) {
    return new RetryableError(`Bigtable did not answer for table ${table}: ${message}`, { cause });
  }
  if (code === NOT_FOUND) {
    return permanent(`table ${table} or its instance is not there: create it, or name another one`);
  }
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED) {
    return permanent(
      `table ${table} may not be used: grant this service account roles/bigtable.user`,
    );
  }
  return permanent(`Bigtable refused what was asked of table ${table}`);
}

interface Failure {
  readonly code: number | null;
  readonly message: string;
}

/** A write of many cells may fail in part (`PartialFailureError`): then each entry has its own error. */
function failuresOf(cause: unknown): readonly Failure[] {
  const { errors } = cause as { readonly errors?: unknown };
  const each: readonly unknown[] = Array.isArray(errors) && errors.length > 0 ? errors : [cause];
  return each.map((one) => {
    const { code, message } = one as { readonly code?: unknown; readonly message?: unknown };
    return {
      code: typeof code === "number" ? code : null,
      message: String(message).replaceAll(/\s*\n\s*/g, " "),
    };
  });
}
