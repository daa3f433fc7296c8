import { startEmulators } from "./emulators.ts";
import { emulatedProject, variables } from "./servers.ts";

/**
 * Before all tests: starts every emulator on a free port and puts them into the environment, unless
 * that names some already. What is missing is told in one line each, and its suites skip
 * themselves; where CI is set that is a failure.
 */
export async function setup(): Promise<() => Promise<void>> {
  const given = Object.values(variables).filter((name) => process.env[name] !== undefined);
  if (given.length > 0) {
    process.env["GOOGLE_CLOUD_PROJECT"] ??= emulatedProject;
    process.stderr.write(`emulators of the environment: ${given.join(", ")}\n`);
    return async () => {};
  }
  const { env, missing, stop } = await startEmulators();
  for (const line of missing) process.stderr.write(`missing: ${line}\n`);
  if (missing.length > 0 && process.env["CI"] !== undefined) {
    await stop();
    throw new Error(`emulators are missing: ${missing.join("; ")}`);
  }
  Object.assign(process.env, env);
  return stop;
}
