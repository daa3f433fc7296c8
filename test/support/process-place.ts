import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/embedded/clock.ts";
import {
  type ProcessRunnerOptions,
  processRunner,
} from "../../adapters/embedded/process-runner.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { jobSpecs } from "./job-specs.ts";

/** A folder with a process runner in it, whose jobs run a script and write below `$PLACE`. */
export interface ProcessPlace {
  readonly place: string;
  readonly folder: string;
  /** The command that runs the script. */
  readonly command: string;
  /** Options of the runner, for opening it in another process too. */
  readonly options: Omit<ProcessRunnerOptions, "clock">;
  open(more?: Partial<ProcessRunnerOptions>): JobRunner;
  /** A job of its own, with its `$CONDUCT`. */
  job(conduct: string, more?: Partial<JobSpec>): JobSpec;
  /** What was written to a file of the place; empty when there is none. */
  read(file: string): string;
  /** Whether the process whose pid was written to `file` lives. */
  lives(file: string): boolean;
  /** Resolves once a file of the place has something in it. */
  written(file: string): Promise<string>;
  close(): Promise<void>;
}

/** Makes a place; `script` is run by `sh`, unless another command is given. */
export function processPlace(
  script: string,
  more: Partial<ProcessRunnerOptions> = {},
): ProcessPlace {
  const place = realpathSync(mkdtempSync(join(tmpdir(), "landfall-jobs-")));
  mkdirSync(join(place, "configs"));
  writeFileSync(join(place, "configs", "conf"), "{}");
  writeFileSync(join(place, "job.sh"), script);
  const opened: JobRunner[] = [];
  const next = jobSpecs();
  const command = `sh ${join(place, "job.sh")}`;
  const options = {
    folder: join(place, "jobs"),
    command,
    configs: join(place, "configs"),
    graceMs: 1_000,
    pollMs: 100,
    ...more,
  };
  const read = (file: string) => {
    const path = join(place, file);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return {
    place,
    folder: options.folder,
    command,
    options,
    open(own = {}) {
      const runner = processRunner({ ...options, clock: systemClock(), ...own });
      opened.push(runner);
      return runner;
    },
    job: (conduct, own = {}) => next({ env: { PLACE: place, CONDUCT: conduct }, ...own }),
    read,
    lives: (file) => pidLives(Number(read(file))),
    async written(file) {
      const giveUpAt = Date.now() + 20_000;
      while (!read(file).endsWith("\n")) {
        if (Date.now() > giveUpAt) throw new Error(`nothing was written to ${file}`);
        await systemClock().sleep(10);
      }
      return read(file).trim();
    },
    async close() {
      for (const runner of opened) await runner.close();
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** Whether a process runs; one that ended and was not reaped does not. */
export function pidLives(pid: number): boolean {
  if (!(pid > 0)) throw new Error(`${pid} is not a pid`);
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (!existsSync("/proc/self/stat")) return true;
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
