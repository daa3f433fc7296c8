import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FILES, jobFolder } from "./job-folder.ts";

export interface SupervisorsOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: (fields: object, message: string) => void;
}

/** Starts the processes that run jobs. */
export interface Supervisors {
  /**
   * Starts one for a job soon. Asking again does nothing for a while: then the first may have died
   * before it wrote `started.json`, and a second one does no harm.
   */
  start(jobId: string): void;
  /** Starts at once what was asked for. */
  close(): void;
}

const startAgainMs = 10_000;

/**
 * Starting a process blocks this one for some milliseconds, so they are started one a turn of the
 * event loop, each in a session of its own.
 */
export function supervisors({ root, env, warn }: SupervisorsOptions): Supervisors {
  const askedAt = new Map<string, number>();
  const waiting: string[] = [];
  const program = supervisorProgram();

  const startOne = (jobId: string) => {
    const folder = jobFolder(root, jobId);
    try {
      const errors = openSync(join(folder, FILES.log), "a");
      const stdio = ["ignore", "ignore", errors] as const;
      const options = { detached: true, stdio: [...stdio], env: { ...env } };
      const child = spawn(process.execPath, [...program, folder], options);
      closeSync(errors);
      child.on("error", (cause) => warn({ jobId, cause: cause.message }, "no supervisor started"));
      child.unref();
    } catch (cause) {
      warn({ jobId, cause: String(cause) }, "no supervisor started; trying again");
    }
  };

  const startNext = () => {
    const jobId = waiting.shift();
    if (jobId !== undefined) startOne(jobId);
    if (waiting.length > 0) setImmediate(startNext);
  };

  return {
    start(jobId) {
      const now = performance.now();
      for (const [id, at] of askedAt) {
        if (now - at < startAgainMs) break;
        askedAt.delete(id);
      }
      if (askedAt.has(jobId)) return;
      askedAt.set(jobId, now);
      waiting.push(jobId);
      if (waiting.length === 1) setImmediate(startNext);
    },
    close() {
      for (const jobId of waiting.splice(0)) startOne(jobId);
    },
  };
}

/**
 * Arguments that make Node run `supervisor`, from sources as well as from a build: the loaders of
 * this process are passed on, and sources get tsx when nobody loaded it.
 */
function supervisorProgram(): readonly string[] {
  const source = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(
    new URL(source ? "./supervisor.ts" : "./supervisor.js", import.meta.url),
  );
  const loaders = process.execArgv.flatMap((argument, at, all) => {
    if (/^(--import|--require|--loader)=/.test(argument)) return [argument];
    const next = all[at + 1];
    return /^(--import|--require|-r|--loader)$/.test(argument) && next !== undefined
      ? [argument, next]
      : [];
  });
  if (!source || loaders.some((loader) => loader.includes("tsx"))) return [...loaders, file];
  return [...loaders, "--import", createRequire(import.meta.url).resolve("tsx"), file];
}
