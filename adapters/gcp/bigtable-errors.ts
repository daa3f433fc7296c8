import { status } from "@grpc/grpc-js";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { codeOf, gotNoToken, lacksCredentials, messageOf } from "./grpc-errors.ts";

/** Codes after which the same call may succeed. */
const retryable = new Set<number>([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  status.UNAVAILABLE,
]);

/** An error of Bigtable about a table as the ports know errors, with what an operator can do about it. */
export function operatingError(cause: unknown, table: string): unknown {
  const failures = failuresOf(cause);
  const lasting = failures.find(({ code }) => !retryable.has(code));
  const { code, message } = lasting ??
    failures[0] ?? { code: codeOf(cause), message: messageOf(cause) };
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
  if (lacksCredentials(message)) {
    return permanent(
      "no Google credentials here: run as a service account, or run gcloud auth application-default login",
    );
  }
  if (code < 0) return cause;
  if (retryable.has(code) || gotNoToken(message)) {
    return new RetryableError(`Bigtable did not answer for table ${table}: ${message}`, { cause });
  }
  if (code === status.NOT_FOUND) {
    return permanent(`table ${table} or its instance is not there: create it, or name another one`);
  }
  if (code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED) {
    return permanent(
      `table ${table} may not be used: grant this service account roles/bigtable.user`,
    );
  }
  return permanent(`Bigtable refused what was asked of table ${table}`);
}

interface Failure {
  readonly code: number;
  readonly message: string;
}

/** A write of many cells may fail in part (`PartialFailureError`): then each entry has its own error. */
function failuresOf(cause: unknown): readonly Failure[] {
  const { errors } = cause as { readonly errors?: unknown };
  const each: readonly unknown[] = Array.isArray(errors) && errors.length > 0 ? errors : [cause];
  return each.map((one) => ({
    code: codeOf(one),
    message: messageOf((one as { readonly message?: unknown }).message ?? one),
  }));
}
