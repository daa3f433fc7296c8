import type { z } from "zod";

/**
 * What is wrong with one file. `error` withholds the whole config: its last good steps stay.
 * `flaw` is as severe for people, but only the step it names is left out. `warn` leaves out nothing.
 */
export interface Findings {
  error(message: string): void;
  flaw(message: string): void;
  warn(message: string): void;
  readonly list: readonly Finding[];
  /** Whether an `error` was found. */
  readonly fatal: boolean;
}

export interface Finding {
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** An empty list; the same sentence twice counts once. */
export function newFindings(): Findings {
  const list = new Map<string, Finding>();
  let fatal = false;
  const add = (severity: Finding["severity"], message: string) => {
    list.set(`${severity} ${message}`, { severity, message });
  };
  return {
    error(message) {
      fatal = true;
      add("error", message);
    },
    flaw: (message) => add("error", message),
    warn: (message) => add("warning", message),
    get list() {
      return [...list.values()];
    },
    get fatal() {
      return fatal;
    },
  };
}

/** A text of a file as it can be shown in one line: quoted, escaped and cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** Where and what a file's fields are not as they should be, in one line. */
export function issuesOf(error: z.ZodError): string {
  const issues = error.issues.slice(0, 3).map((issue) => {
    const path = issue.path.map(String).join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  const more = error.issues.length - issues.length;
  return issues.join("; ") + (more > 0 ? `; and ${more} more` : "");
}
