import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A server that was started in a process group of its own, and answers. */
export interface Server {
  /** Ends the whole group: asks first, then kills. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves when the server really answers, rejects while it does not. */
  readonly probe: () => Promise<unknown>;
}

/** How long a server may take to answer for the first time; the Java ones need some seconds. */
const answersWithinMs = 60_000;
const probeEveryMs = 100;
/** How long a server may take to end by itself. */
const endsWithinMs = 5_000;

/** Starts a server and waits until it answers. Throws one line, with what the server said last. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, program, args, env, probe } = options;
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  const said = lastWords(child);
  const ends: string[] = [];
  child.once("error", ({ message }) => ends.push(message));
  child.once("exit", (code, signal) => ends.push(`ended with ${code ?? signal}`));
  const until = Date.now() + answersWithinMs;
  for (;;) {
    if (ends.length > 0) throw new Error(`the ${name} emulator ${ends[0]}: ${said()}`);
    if (await answers(probe)) return { stop: () => stop(child) };
    if (Date.now() > until) {
      await stop(child);
      throw new Error(`the ${name} emulator did not answer in ${answersWithinMs} ms: ${said()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, probeEveryMs));
  }
}

async function answers(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return true;
  } catch {
    return false;
  }
}

/** Keeps the end of what a process prints, and drains the rest so that it never blocks. */
function lastWords(child: ChildProcess): () => string {
  let words = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-1_000);
    });
  }
  return () => words.trim().split("\n").slice(-3).join(" | ");
}

async function stop(child: ChildProcess): Promise<void> {
  const running = () => child.exitCode === null && child.signalCode === null;
  const gone = running() ? once(child, "exit") : Promise.resolve();
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), endsWithinMs);
  await gone;
  clearTimeout(timer);
  signalGroup(child, "SIGKILL");
}

/** The scripts of the Cloud CLI start Java as a child: the group is what must end. */
function signalGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    return;
  }
}
