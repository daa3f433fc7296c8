import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { built } from "../build.ts";

export interface Logged {
  readonly severity: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A service in a process of its own. */
export interface ServiceProcess {
  readonly name: string;
  /** All lines it logged, of this life and of earlier ones under the same name. */
  logged(): readonly Logged[];
  /** Whether this life got so far as to listen. */
  listens(): boolean;
  /** Where this life listens; waits until it does. */
  address(): Promise<string>;
  /** Waits until it says that it is ready. */
  ready(): Promise<void>;
  /** Ends it with a signal; resolves with its exit code, null when the signal killed it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
}

export interface ServiceOptions {
  readonly service: "watcher" | "dispatcher" | "tracker";
  readonly name: string;
  /** Logs are appended to a file here. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export function startService({ service, name, folder, env }: ServiceOptions): ServiceProcess {
  const log = join(folder, `${name}.log`);
  const output = openSync(log, "a");
  const child = spawn(process.execPath, [built(`services/${service}/main.ts`)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const logged = () => linesOf(log);
  const port = () => logged().find((line) => line["pid"] === child.pid)?.["port"];
  const address = async () => {
    await vi.waitFor(() => expect(port()).toBeDefined(), { timeout: 60_000, interval: 50 });
    return `http://127.0.0.1:${String(port())}`;
  };
  return {
    name,
    logged,
    listens: () => port() !== undefined,
    address,
    async ready() {
      const at = await address();
      const answer = async () => (await fetch(`${at}/readyz`)).status;
      await vi.waitFor(async () => expect(await answer()).toBe(200), {
        timeout: 60_000,
        interval: 100,
      });
    },
    end: (signal) => ended(child, signal, gone),
  };
}

async function ended(
  child: ChildProcess,
  signal: "SIGTERM" | "SIGKILL",
  gone: Promise<number | null>,
): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return gone;
}

/** Whole lines; what is no JSON is a crash's last words. */
function linesOf(log: string): Logged[] {
  return readFileSync(log, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line): Logged => {
      try {
        return JSON.parse(line) as Logged;
      } catch {
        return { severity: "RAW", message: line };
      }
    });
}
