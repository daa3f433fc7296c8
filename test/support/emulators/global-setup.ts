import { startEmulators } from "./emulators.ts";
import { emulatedProject, variables } from "./servers.ts";

/**
 * Before all tests: starts the emulators that the environment does not name yet, on free ports, and
 * puts them there. What is missing is told in one line each; its suites skip themselves.
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
  Object.assign(process.env, env);
  return stop;
}
