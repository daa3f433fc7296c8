import { type ChildProcess, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import type { Task } from "../../schemas/tasks.ts";
import { built } from "./build.ts";

/** The command as it is shipped; tests that start it are in a project of Vitest that builds it. */
export const program = built("cli/main.ts");
const argv = (args: readonly string[]) => [program, ...args];

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `landfall` command in a process of its own, to its end. */
export async function landfall(...args: readonly string[]): Promise<Answer> {
  try {
    const run = await promisify(execFile)(process.execPath, argv(args), { maxBuffer: 1e8 });
    return { code: 0, ...run };
  } catch (cause) {
    const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

/** Options of `landfall up`, by name; each becomes `--name value`. */
export type UpOptions = Readonly<Record<string, string>>;

/** Starts `landfall up` in a process of its own; kill it by its pid. */
export function landfallUp(options: UpOptions): ChildProcess & { output(): string } {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, argv(["up", ...args]), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout?.on("data", (data: Buffer) => {
    output += data.toString();
  });
  child.stderr?.on("data", (data: Buffer) => {
    output += data.toString();
  });
  return Object.assign(child, { output: () => output });
}

/** Resolves with how the process ended. */
export function ended(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve(child.exitCode ?? child.signalCode);
  }
  return new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
}

/** The tasks of a data folder; none before there is one. */
export async function tasksOf(data: string): Promise<readonly Task[]> {
  const { code, stdout } = await landfall("tasks", "--data", data, "--json");
  return code === 0 ? (JSON.parse(stdout) as Task[]) : [];
}
