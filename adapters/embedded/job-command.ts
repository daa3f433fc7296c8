import { parseArgsStringToArgv } from "string-argv";
import { PermanentError } from "../../ports/errors.ts";
import type { JobValues } from "./job-environment.ts";
import type { Submitting } from "./job-folder.ts";

/** What is run for a job. */
export interface JobCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Above the step's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly submits?: Submitting;
}

const PLACEHOLDERS: readonly (keyof JobValues)[] = [
  "conf",
  "mode",
  "config",
  "start",
  "end",
  "ds",
  "task",
  "run",
  "attempt",
  "jobId",
  "table",
  "column",
];

/**
 * A command with placeholders such as `{conf}`, split into arguments before any value enters, so a
 * value is always one argument or part of one, whatever it holds; no shell ever sees it. Quotes
 * group words. Throws `PermanentError` for an empty template or a placeholder nobody knows.
 */
export function commandTemplate(template: string): (values: JobValues) => readonly string[] {
  const parts = parseArgsStringToArgv(template);
  if (parts.length === 0) {
    throw new PermanentError("the command is empty; give one, for example: python3 job.py {conf}");
  }
  for (const part of parts) for (const name of placeholdersIn(part)) requireKnown(name);
  return (values) => parts.map((part) => filled(part, values));
}

const placeholder = /\{([A-Za-z][A-Za-z0-9_]*)\}/g;

function placeholdersIn(part: string): string[] {
  return [...part.matchAll(placeholder)].map(([, name = ""]) => name);
}

function requireKnown(name: string): void {
  if (isKnown(name)) return;
  const known = PLACEHOLDERS.map((each) => `{${each}}`).join(" ");
  throw new PermanentError(`the command names {${name}}, which is not known; known are ${known}`);
}

function isKnown(name: string): name is keyof JobValues {
  return (PLACEHOLDERS as readonly string[]).includes(name);
}

/** One pass: a value that looks like a placeholder stays what it is. */
function filled(part: string, values: JobValues): string {
  return part.replaceAll(placeholder, (whole, name: string) =>
    isKnown(name) ? values[name] : whole,
  );
}
