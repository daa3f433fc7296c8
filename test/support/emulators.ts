import { randomBytes } from "node:crypto";
import { describe } from "vitest";

const HOW = {
  FIRESTORE_EMULATOR_HOST: "gcloud emulators firestore start --host-port=127.0.0.1:8087",
  BIGTABLE_EMULATOR_HOST: "gcloud emulators bigtable start --host-port=127.0.0.1:8086",
} as const;

/** Runs tests when an emulator is named by its variable; else says which one is missing, and how to start it. */
export function withEmulator(variable: keyof typeof HOW, tests: () => void): void {
  const missing = (process.env[variable] ?? "") === "";
  if (missing) {
    const start = `start it (${HOW[variable]}) and set the variable`;
    console.warn(`skipped: ${variable} names no emulator; ${start}`);
  }
  describe.skipIf(missing)(missing ? `${variable} is not set` : variable, tests);
}

/** A project nobody used before: an emulator takes any, and each is empty. */
export function freshProject(): string {
  return `test-${randomBytes(6).toString("hex")}`;
}
