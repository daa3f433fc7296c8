import { readSettings as read, SettingsError } from "../adapters/read-settings.ts";
import type { Deployment } from "../schemas/deployment.ts";
import { UsageError } from "./errors.ts";

/**
 * The settings in force: the environment's, then those of a JSON file, then the defaults. Throws
 * `UsageError` naming what is wrong.
 */
export function readSettings(file: string | undefined): Deployment {
  return effectiveSettings(file).settings;
}

/** The settings in force, each with who said so. */
export function effectiveSettings(file: string | undefined): ReturnType<typeof read> {
  try {
    return read(process.env, file);
  } catch (cause) {
    if (cause instanceof SettingsError) throw new UsageError(cause.message, { cause });
    throw cause;
  }
}
