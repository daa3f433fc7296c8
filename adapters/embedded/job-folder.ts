import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { JobStatus } from "../../ports/job-runner.ts";
import type { ProcessMark } from "./job-processes.ts";

/**
 * The folder of one job, `{root}/jobs/{jobId}`, is all that is known of it. Its files are written
 * whole and once, so that whoever finds one may believe it, and whoever comes second learns so:
 *
 * - `job.json` what to run. The folder appears with it in one rename: that is the submit.
 * - `started.json` which process runs it. Whoever wrote it runs the command, nobody else ever; it
 *   is touched every few seconds as a sign of life.
 * - `command.json` the command's own process.
 * - `submitted.json` the id of the job that the command submitted elsewhere, as soon as it says it.
 * - `cancel` somebody wants it to end.
 * - `ended.json` how it ended. Only then is nothing of it running any more.
 * - `output.log` what it said.
 *
 * `{root}/open/{jobId}` is there from before the submit until the end was reported, and is touched
 * when the job moves on: one directory to watch, whatever the number of jobs.
 */
export interface JobTicket {
  readonly jobId: string;
  readonly task: string;
  readonly run: number;
  readonly attempt: number;
  readonly argv: readonly string[];
  /** Added to the environment of whoever runs the command. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly timeoutMs: number;
  /** From asking the command to end to killing it. */
  readonly graceMs: number;
  readonly logBytesMax: number;
  /** Left out: the command does the work itself. */
  readonly submits?: Submitting;
}

/** How to go on with a job that a command submits elsewhere; `{id}` stands for the id it says. */
export interface Submitting {
  /** Run after the command, to wait for the submitted job; null: the command waited itself. */
  readonly wait: readonly string[] | null;
  /** Ends the submitted job, and returns when it ended. */
  readonly cancel: readonly string[];
  /** Where it can be looked at. */
  readonly link: string;
}

export interface JobStart {
  readonly supervisor: ProcessMark;
  readonly at: number;
}

export interface JobEnd {
  readonly state: Exclude<JobStatus["state"], "pending" | "running">;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly error: string | null;
  readonly blame: "job" | "infrastructure";
}

export const FILES = {
  ticket: "job.json",
  start: "started.json",
  command: "command.json",
  submitted: "submitted.json",
  cancel: "cancel",
  end: "ended.json",
  log: "output.log",
} as const;

export function jobFolder(root: string, jobId: string): string {
  return join(root, "jobs", jobId);
}

export function openMarker(root: string, jobId: string): string {
  return join(root, "open", jobId);
}

/** Makes the folder of a new job, whole or not at all. False when there is one already. */
export function createJob(root: string, ticket: JobTicket): boolean {
  const folder = jobFolder(root, ticket.jobId);
  const draft = join(root, "drafts", `${ticket.jobId}.${unique()}`);
  mkdirSync(draft, { recursive: true });
  try {
    writeFileSync(join(draft, FILES.ticket), JSON.stringify(ticket));
    writeFileSync(openMarker(root, ticket.jobId), "");
    renameSync(draft, folder);
    return true;
  } catch (cause) {
    rmSync(draft, { recursive: true, force: true });
    if (hasCode(cause, "ENOTEMPTY", "EEXIST")) return false;
    throw cause;
  }
}

/** Writes a file that was not there. False, and nothing written, when it was. */
export function putOnce(folder: string, file: string, value: unknown): boolean {
  const draft = join(folder, `.${file}.${unique()}`);
  try {
    writeFileSync(draft, JSON.stringify(value));
    linkSync(draft, join(folder, file));
    return true;
  } catch (cause) {
    if (hasCode(cause, "EEXIST")) return false;
    throw cause;
  } finally {
    rmSync(draft, { force: true });
  }
}

export function readTicket(folder: string): JobTicket | null {
  return readJson(folder, FILES.ticket) as JobTicket | null;
}

export function readStart(folder: string): JobStart | null {
  return readJson(folder, FILES.start) as JobStart | null;
}

export function readCommand(folder: string): ProcessMark | null {
  return readJson(folder, FILES.command) as ProcessMark | null;
}

/** Null while the command has not said it. */
export function readSubmitted(folder: string): string | null {
  return readJson(folder, FILES.submitted) as string | null;
}

export function readEnd(folder: string): JobEnd | null {
  return readJson(folder, FILES.end) as JobEnd | null;
}

export function isCancelled(folder: string): boolean {
  return existsSync(join(folder, FILES.cancel));
}

/** Tells watchers that the job moved on. A job that was forgotten stays so. */
export function touchMarker(folder: string, jobId: string): void {
  const now = new Date();
  try {
    utimesSync(openMarker(dirname(dirname(folder)), jobId), now, now);
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw cause;
  }
}

/** A sign of life of whoever runs the job, for those who cannot see its process. */
export function giveSign(folder: string): void {
  const now = new Date();
  try {
    utimesSync(join(folder, FILES.start), now, now);
  } catch {
    // The folder was taken away; there is nobody to give a sign to.
  }
}

/** When whoever runs the job last gave a sign. */
export function lastSignAt(folder: string): number {
  return statSync(join(folder, FILES.start), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export function hasCode(cause: unknown, ...codes: readonly string[]): boolean {
  return cause instanceof Error && "code" in cause && codes.includes(String(cause.code));
}

/** Null when there is no such file. Files are whole when they appear, so they always parse. */
function readJson(folder: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, file), "utf8"));
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return null;
    throw cause;
  }
}

let drafts = 0;

function unique(): string {
  drafts += 1;
  return `${process.pid}.${drafts}`;
}
