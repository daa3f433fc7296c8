import { randomBytes } from "node:crypto";
import { describe, test } from "vitest";
import { type EmulatorName, emulatedProject, variables } from "./servers.ts";

/**
 * Declares suites that need emulators. Where one is missing a single skipped test stands for them,
 * and a line says which emulator is missing and how to get it.
 */
export function emulated(
  names: readonly EmulatorName[],
  what: string,
  suites: (on: { readonly project: string }) => void,
): void {
  const missing = names.map((name) => variables[name]).filter((name) => !process.env[name]);
  if (missing.length === 0) {
    return suites({ project: process.env["GOOGLE_CLOUD_PROJECT"] ?? emulatedProject });
  }
  const why = `${missing.join(" and ")} not set; npm run emulators starts what this needs`;
  process.stderr.write(`skipped: ${what}: ${why}\n`);
  describe(what, () => test.skipIf(true)(why, () => {}));
}

/** A project nobody used before: an emulator takes any, and each is empty. */
export function freshProject(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}
