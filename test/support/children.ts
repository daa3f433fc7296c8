import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { expect, onTestFinished } from "vitest";

/** A process of its own that runs one of our modules and says what it did, line by line. */
export interface Child {
  /** Every whole line it has written. */
  lines(): readonly string[];
  /** Resolves once it has written a line that starts so. */
  line(start: string): Promise<void>;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * Runs `module` with `args`, until the test ends at the latest. What it writes goes to the file `log`: unlike a pipe, that takes
 * everything at once, so that a line is either said or not when the process is killed.
 */
export function child(module: string, log: string, ...args: readonly string[]): Child {
  const output = openSync(log, "a");
  const spawned = spawn(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), module, ...args],
    {
      stdio: ["ignore", output, "inherit"],
    },
  );
  closeSync(output);
  const gone = new Promise<void>((resolve) => spawned.once("exit", () => resolve()));
  const lines = () => readFileSync(log, "utf8").split("\n").slice(0, -1);
  const kill = async () => {
    spawned.kill("SIGKILL");
    await gone;
  };
  onTestFinished(kill);
  return {
    lines,
    async line(start) {
      const said = () => lines().some((line) => line.startsWith(start));
      await expect.poll(said, { timeout: 60_000, interval: 10 }).toBe(true);
    },
    kill,
  };
}
