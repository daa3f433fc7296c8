import { InvalidArgumentError } from "commander";
import type { z } from "zod";

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

/** What zod found, in one line: `retries.job.max: Too small: expected number to be >=0`. */
export function issuesText(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}

/** Parses an option that counts something. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("give a whole number above 0");
}
