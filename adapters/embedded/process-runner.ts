import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { isAbsolute, join, normalize, resolve } from "node:path";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobSpec, SubmitAnswer } from "../../ports/job-runner.ts";
import type { ZiplineSettings } from "../../schemas/zipline.ts";
import type { Refusal } from "../refusal.ts";
import { commandTemplate, type JobCommand } from "./job-command.ts";
import { type JobValues, jobEnvironment, jobValues } from "./job-environment.ts";
import {
  createJob,
  FILES,
  hasCode,
  type JobEnd,
  type JobTicket,
  jobFolder,
  putOnce,
  readStart,
  readTicket,
  touchMarker,
} from "./job-folder.ts";
import { isAlive, ownMark } from "./job-processes.ts";
import { supervisors } from "./runner-supervisors.ts";
import { runnerWatch } from "./runner-watch.ts";
import { ziplineJobs } from "./zipline-jobs.ts";

export interface ProcessRunnerOptions {
  /** Holds a folder for each job; several runners may share it. */
  readonly folder: string;
  /** For example `python3 job.py --conf {conf} --ds {ds}` (`job-command.ts`); or the zipline CLI. */
  readonly command: string | ZiplineSettings;
  /** Where the configs store keeps its objects: `{configs}/confs/{hash}/{file}`. */
  readonly configs: string;
  readonly clock: Clock;
  /** Environment of every job, below the step's own; this process's when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** From asking a job to end to killing it. */
  readonly graceMs?: number;
  /** Output kept of one job. */
  readonly logBytesMax?: number;
  /** How often open jobs are looked at although nothing was notified. */
  readonly pollMs?: number;
  readonly log?: { warn(fields: object, message: string): void };
}

/**
 * Runs each job as a process of this machine, under a supervisor of its own that outlives this
 * process. Its times are the machine's, whatever clock is given; the clock only paces the polls.
 *
 * - P1 A job is taken when its folder is there, which one rename makes: `submit` is that rename.
 * - P2 Its command is run by whoever writes `started.json`, which only one can (`supervisor.ts`).
 * - P3 Its end is what `ended.json` says, and that is written once, after every process of it ended.
 *
 * Each running job has a supervisor of about 45 MB beside it. Folders of ended jobs are kept: the
 * logs are in them, and that an id was used.
 *
 * Throws `PermanentError` when the command template is wrong or the folder cannot be made.
 */
export function processRunner(options: ProcessRunnerOptions): JobRunner {
  const root = resolve(options.folder);
  const ticketOf = ticketMaker(options, root);
  const warn = (fields: object, message: string) => options.log?.warn(fields, message);
  makeFolders(root);
  const env = options.env ?? process.env;
  const starting = supervisors({ root, env, warn });
  const watch = runnerWatch({
    root,
    env,
    clock: options.clock,
    pollMs: options.pollMs ?? 1_000,
    supervise: (jobId) => starting.start(jobId),
    warn,
  });

  return {
    async submit(spec) {
      const ticket = ticketOf(spec);
      if (typeof ticket === "string") return { kind: "refused", reason: ticket };
      const answer = taking(root, ticket);
      if (answer.kind !== "refused" && readStart(jobFolder(root, spec.jobId)) === null) {
        starting.start(spec.jobId);
      }
      return answer;
    },
    async cancel(jobId) {
      if (!jobIdPattern.test(jobId) || !existsSync(jobFolder(root, jobId))) return "unknown";
      askToEnd(root, jobId);
      return "asked";
    },
    statuses: () => watch.statuses(),
    lanes: () => [],
    look: async () => {},
    // Whether a command's stream still runs, it cannot tell: the command ends when it has submitted it.
    streams: null,
    async forget(jobIds) {
      watch.forget(jobIds.filter((jobId) => jobIdPattern.test(jobId)));
    },
    async close() {
      watch.close();
      starting.close();
    },
  };
}

function makeFolders(root: string): void {
  try {
    for (const name of ["jobs", "open", "drafts"]) mkdirSync(join(root, name), { recursive: true });
  } catch (cause) {
    const message = `cannot make the folder of jobs ${root}: ${(cause as Error).message}`;
    throw new PermanentError(message, { cause });
  }
}

const jobIdPattern = /^[a-z0-9-]{1,63}$/;

/** Makes tickets; what cannot be run is answered by the reason. */
function ticketMaker(
  options: ProcessRunnerOptions,
  root: string,
): (spec: JobSpec) => JobTicket | string {
  const commandOf = commands(options, root);
  const configs = resolve(options.configs);
  return (spec) => {
    const { jobId, task, run, attempt, timeoutMs } = spec;
    if (!jobIdPattern.test(jobId)) return `"${jobId}" is not a job id`;
    const conf = confFile(configs, spec.conf);
    if (conf === null) return `${spec.conf} is not in the configs store; release the configs again`;
    const values = jobValues(spec, conf);
    const command = commandOf(spec, values);
    if ("refused" in command) return command.refused;
    const { argv, cwd, submits } = command;
    const env = { ...jobEnvironment(spec, values, jobFolder(root, jobId)), ...command.env };
    const wrong = unusable(argv, env);
    if (wrong !== null) return wrong;
    return {
      jobId,
      task,
      run,
      attempt,
      argv,
      env,
      timeoutMs,
      cwd,
      ...(submits === undefined ? {} : { submits }),
      graceMs: options.graceMs ?? 10_000,
      logBytesMax: options.logBytesMax ?? 20 * 1024 * 1024,
    };
  };
}

function commands(
  { command, env = process.env }: ProcessRunnerOptions,
  root: string,
): (spec: JobSpec, values: JobValues) => JobCommand | Refusal {
  if (typeof command === "string") {
    const argvOf = commandTemplate(command);
    return (_, values) => ({ argv: argvOf(values), cwd: process.cwd(), env: {} });
  }
  const jobs = ziplineJobs({ settings: command, root, env });
  return (spec, { conf }) => jobs(spec, conf);
}

/** Null when there is no such file, or the name leads out of the folder. */
function confFile(configs: string, conf: string): string | null {
  const name = normalize(conf);
  if (isAbsolute(name) || name.startsWith("..") || name.includes("\0")) return null;
  const file = join(configs, name);
  return existsSync(file) ? file : null;
}

/** What no system lets a process be given. */
function unusable(argv: readonly string[], env: Readonly<Record<string, string>>): string | null {
  if (argv.some((argument) => argument.includes("\0"))) return "an argument holds a NUL character";
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name) || value.includes("\0")) {
      return `the environment variable ${JSON.stringify(name)} cannot be set`;
    }
  }
  return null;
}

function taking(root: string, ticket: JobTicket): SubmitAnswer {
  const folder = jobFolder(root, ticket.jobId);
  try {
    const there = readTicket(folder);
    if (there === null && createJob(root, ticket)) return { kind: "accepted" };
    const taken = there ?? readTicket(folder);
    const same =
      taken?.task === ticket.task && taken.run === ticket.run && taken.attempt === ticket.attempt;
    return same
      ? { kind: "exists" }
      : { kind: "refused", reason: `job ${ticket.jobId} is already that of ${taken?.task}` };
  } catch (cause) {
    throw new RetryableError(`cannot write ${folder}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Leaves word that a job should end, and wakes its supervisor to it. A job that has not begun is
 * ended here, by taking the place of its supervisor.
 */
function askToEnd(root: string, jobId: string): void {
  const folder = jobFolder(root, jobId);
  if (existsSync(join(folder, FILES.end))) return;
  try {
    writeFileSync(join(folder, FILES.cancel), "");
    if (putOnce(folder, FILES.start, { supervisor: ownMark(), at: Date.now() })) {
      const end: JobEnd = {
        state: "cancelled",
        startedAt: null,
        endedAt: Date.now(),
        error: "it was cancelled before it began",
        blame: "job",
      };
      putOnce(folder, FILES.end, end);
      touchMarker(folder, jobId);
      return;
    }
    const start = readStart(folder);
    if (start !== null && isAlive(start.supervisor) === true)
      process.kill(start.supervisor.pid, "SIGTERM");
  } catch (cause) {
    if (hasCode(cause, "ESRCH")) return;
    throw new RetryableError(`cannot cancel ${jobId}: ${(cause as Error).message}`, { cause });
  }
}
