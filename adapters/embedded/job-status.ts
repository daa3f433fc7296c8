import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { JobStatus } from "../../ports/job-runner.ts";
import { cookieOf } from "./job-cookie.ts";
import {
  FILES,
  type JobEnd,
  type JobTicket,
  jobFolder,
  lastSignAt,
  openMarker,
  putOnce,
  readCommand,
  readEnd,
  readStart,
  readSubmitted,
  readTicket,
  touchMarker,
} from "./job-folder.ts";
import { endProcesses, isAlive } from "./job-processes.ts";
import { endSubmitted, linkOf } from "./submitted-job.ts";

/** What a job's folder says of it now. `lost`: its supervisor died before it did. */
export type Seen =
  | { readonly kind: "status"; readonly status: JobStatus }
  | { readonly kind: "lost"; readonly ticket: JobTicket };

const abandonedMs = 60_000;

/** Null when there is no such job, or it was forgotten. */
export function lookAt(root: string, jobId: string): Seen | null {
  const marker = statSync(openMarker(root, jobId), { throwIfNoEntry: false });
  if (marker === undefined) return null;
  const folder = jobFolder(root, jobId);
  const ticket = readTicket(folder);
  if (ticket === null) {
    if (Date.now() - marker.mtimeMs > abandonedMs) rmSync(openMarker(root, jobId), { force: true });
    return null;
  }
  const start = readStart(folder);
  const alive = start !== null && (isAlive(start.supervisor) ?? gaveSign(folder));
  // Its last deed is to write the end, so that is read after its life was looked at.
  const end = readEnd(folder);
  if (end !== null) return { kind: "status", status: ended(root, ticket, end) };
  if (start === null) return { kind: "status", status: going(root, ticket, null) };
  return alive
    ? { kind: "status", status: going(root, ticket, start.at) }
    : { kind: "lost", ticket };
}

/** A supervisor of another container that was not heard of for so long is dead. */
const silentMsMax = 60_000;

function gaveSign(folder: string): boolean {
  return Date.now() - lastSignAt(folder) < silentMsMax;
}

/** Ends what is left of a job whose supervisor is dead: only then may it be called vanished. */
export async function endLost(
  root: string,
  ticket: JobTicket,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const folder = jobFolder(root, ticket.jobId);
  const command = readCommand(folder);
  await endProcesses({ cookie: cookieOf(folder), command }, ticket.graceMs);
  const trouble = await endSubmitted(folder, ticket, env);
  const end: JobEnd = {
    state: "vanished",
    startedAt: readStart(folder)?.at ?? null,
    endedAt: Date.now(),
    error: `its supervisor died before it did; ${trouble ?? "what was left of it was ended"}`,
    blame: "infrastructure",
  };
  putOnce(folder, FILES.end, end);
  touchMarker(folder, ticket.jobId);
}

function ended(root: string, ticket: JobTicket, end: JobEnd): JobStatus {
  const { state, startedAt, endedAt, error, blame } = end;
  return { ...labels(root, ticket), state, startedAt, endedAt, error, blame };
}

function going(root: string, ticket: JobTicket, startedAt: number | null): JobStatus {
  const state = startedAt === null ? "pending" : "running";
  return { ...labels(root, ticket), state, startedAt, endedAt: null, error: null, blame: "job" };
}

function labels(
  root: string,
  { jobId, task, run, attempt, submits }: JobTicket,
): Pick<JobStatus, "jobId" | "task" | "run" | "attempt" | "log"> {
  const folder = jobFolder(root, jobId);
  const file = join(folder, FILES.log);
  const id = submits === undefined ? null : readSubmitted(folder);
  const link = submits === undefined || id === null ? "" : ` ${linkOf(submits, id)}`;
  return { jobId, task, run, attempt, log: `${file}${link}` };
}
