import { readFileSync } from "node:fs";
import { PermanentError } from "../../ports/errors.ts";
import type { Secret } from "../../schemas/alert-settings.ts";
import type { Env } from "../settings-env.ts";

/** Reads a secret where it lies, each time, so that one that is changed there is in force at once. */
export function readSecret(secret: Secret, env: Env): string {
  const text = "env" in secret ? env[secret.env] : fileText(secret.file);
  if (text === undefined || text.trim() === "") {
    const where = "env" in secret ? `the variable ${secret.env}` : `the file ${secret.file}`;
    throw new PermanentError(`its key is to be in ${where}, which is not there or empty`);
  }
  return text.trim();
}

function fileText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
