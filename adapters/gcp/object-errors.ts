import { PermanentError, RetryableError } from "../../ports/errors.ts";

/** What failed, in the words of an operator: `read lake/db/t/x`, in which bucket. */
export interface Doing {
  readonly doing: string;
  readonly bucket: string;
}

/** A 403 with one of these reasons is about how often, not about who: its own words say it. */
const tooOften: ReadonlySet<string> = new Set([
  "rateLimitExceeded",
  "userRateLimitExceeded",
  "quotaExceeded",
]);
/** Refusals that the same request will meet again, whatever anybody does about the bucket. */
const refusals: ReadonlySet<unknown> = new Set([400, 405, 409, 411, 412, 413, 414]);

/**
 * A failure of Cloud Storage as an error of a port, told by its HTTP status and reason. What has
 * no status never reached the service, and a 401 is a token that is being renewed: both are worth
 * another try. So is what an operator can put right, a right or a bucket that is missing: what
 * meanwhile cannot be handled must wait for it, and a final error would put each event aside.
 */
export function objectError({ doing, bucket }: Doing, cause: unknown): Error {
  const { code, message } = cause as { code?: unknown; message?: string };
  const often = code === 403 && reasonsOf(cause).some((reason) => tooOften.has(reason));
  const line = `cannot ${doing}: ${often ? firstLine(message) : hint(bucket, code, message)}`;
  return refusals.has(code)
    ? new PermanentError(line, { cause })
    : new RetryableError(line, { cause });
}

/** The HTTP status of a failed request, or null when there was no answer. */
export function statusOf(cause: unknown): number | null {
  const { code } = cause as { code?: unknown };
  return typeof code === "number" ? code : null;
}

function hint(bucket: string, code: unknown, message: string | undefined): string {
  if (code === 404) return `the bucket ${bucket} does not exist; make it, or correct its name`;
  if (code === 403) {
    return `permission denied on the bucket ${bucket}; grant the service account roles/storage.objectUser there`;
  }
  return firstLine(message);
}

function firstLine(message = "no reason was given"): string {
  return message.trim().split("\n", 1)[0] ?? "";
}

function reasonsOf(cause: unknown): readonly string[] {
  const { errors } = cause as { errors?: unknown };
  if (!Array.isArray(errors)) return [];
  return errors.map((one: { reason?: unknown }) => String(one?.reason));
}
