/** The command was called wrongly, or what it names does not exist: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was asked about is bad, and the answer was printed: exit code 1. */
export class BadAnswer extends Error {
  override readonly name = "BadAnswer";
  constructor() {
    super("");
  }
}
