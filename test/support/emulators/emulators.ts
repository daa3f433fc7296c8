import { createServer } from "node:net";
import type { Server } from "./server.ts";
import { type EmulatorName, emulatedProject, starters, valueOf, variables } from "./servers.ts";
import { cloudCliEmulator, fakeGcsServer, type Tool } from "./tools.ts";

/** Emulators that answer, and what stands in the way of those that were not started. */
export interface Emulators {
  /** What a process must have in its environment to reach them. */
  readonly env: Readonly<Record<string, string>>;
  /** One line for each that is missing: which, why, and how to get it. */
  readonly missing: readonly string[];
  readonly stop: () => Promise<void>;
}

export interface EmulatorsOptions {
  /** Ports from this one on, in the order of `variables`; free ones when there is none. */
  readonly ports?: number;
  /** Which to start; all when not said. */
  readonly only?: readonly EmulatorName[];
}

/** In the order in which they get their ports. */
export const emulatorNames = Object.keys(variables) as EmulatorName[];

/**
 * Starts the emulators that are installed and waits until each answers. When one that is installed
 * does not start, those that did are stopped again and its last words are thrown.
 */
export async function startEmulators({ ports, only }: EmulatorsOptions = {}): Promise<Emulators> {
  const wanted = only ?? emulatorNames;
  // Without the second, Google's clients look for a metadata server, and warn that there is none.
  const env: Record<string, string> = {
    GOOGLE_CLOUD_PROJECT: emulatedProject,
    METADATA_SERVER_DETECTION: "none",
  };
  const missing: string[] = [];
  const started: Server[] = [];
  const stop = async () => {
    await Promise.all(started.splice(0).map((server) => server.stop()));
  };
  const start = async (name: EmulatorName) => {
    const tool = await toolFor(name, env);
    if (tool.kind === "missing") return void missing.push(tool.why);
    const port = ports === undefined ? await freePort() : ports + emulatorNames.indexOf(name);
    started.push(await starters[name]({ program: tool.path, port, env }));
    env[variables[name]] = valueOf(name, port);
  };
  const outcomes = await Promise.allSettled(
    wanted.filter((name) => name !== "storage").map((name) => start(name)),
  );
  if (wanted.includes("storage")) outcomes.push(...(await Promise.allSettled([start("storage")])));
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    await stop();
    throw outcome.reason;
  }
  return { env, missing, stop };
}

async function toolFor(name: EmulatorName, env: Readonly<Record<string, string>>): Promise<Tool> {
  if (name !== "storage") return cloudCliEmulator(name);
  if (env[variables.pubsub] !== undefined) return fakeGcsServer();
  const why = "fake-gcs-server tells of objects on Pub/Sub, whose emulator is not running";
  return { kind: "missing", why };
}

/** A port nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
