/** The world did not answer as it should; the same call may succeed later. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
}

/** The world said no, and will say no again. */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
}
