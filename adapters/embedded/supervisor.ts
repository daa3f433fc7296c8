import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { blamedBy, blamedText } from "../../core/blame.ts";
import { cookieOf } from "./job-cookie.ts";
import {
  FILES,
  giveSign,
  isCancelled,
  type JobEnd,
  type JobTicket,
  putOnce,
  readSubmitted,
  readTicket,
  touchMarker,
} from "./job-folder.ts";
import { type JobLog, jobLog } from "./job-log.ts";
import { endProcesses, markOf, ownMark } from "./job-processes.ts";
import { endSubmitted, hearing, withId } from "./submitted-job.ts";

/**
 * The program that runs one job and outlives whoever started it: `supervisor <job folder>`.
 *
 * - S1 It runs the command only if it wrote `started.json`; of several supervisors one does.
 * - S2 It writes `ended.json` only when no process of the job is seen any more.
 * - S3 It imports no library but Node: one such process stands beside each running job.
 * - S4 A job that the command submitted elsewhere has ended too, or the error says that it may not.
 */
async function supervise(folder: string): Promise<void> {
  const ticket = readTicket(folder);
  if (ticket === null) return;
  const wish = wishes(folder, ticket);
  const start = { supervisor: ownMark(), at: Date.now() };
  if (!putOnce(folder, FILES.start, start)) return wish.stop();
  touchMarker(folder, ticket.jobId);
  const end = isCancelled(folder) ? cancelled : await runOrGiveUp(folder, ticket, wish);
  wish.stop();
  await untilWritten(folder, { ...end, startedAt: start.at, endedAt: Date.now() });
  touchMarker(folder, ticket.jobId);
}

type Ending = Pick<JobEnd, "state" | "error" | "blame">;

const cancelled: Ending = { state: "cancelled", error: "it was cancelled", blame: "job" };

/** What goes wrong around the command ends it: it must not run on without its supervisor. */
async function runOrGiveUp(folder: string, ticket: JobTicket, wish: Wishes): Promise<Ending> {
  try {
    return await run(folder, ticket, wish);
  } catch (cause) {
    await endProcesses({ cookie: cookieOf(folder), command: null }, ticket.graceMs);
    const error = `it could not be run: ${cause instanceof Error ? cause.message : String(cause)}`;
    return { state: "failed", error, blame: "infrastructure" };
  }
}

async function run(folder: string, ticket: JobTicket, wish: Wishes): Promise<Ending> {
  const log = jobLog(join(folder, FILES.log), ticket.logBytesMax);
  const running = { folder, ticket, wish, log };
  const ending = await runCommand(running, ticket.argv);
  const all = ticket.submits === undefined ? ending : await submitted(running, ending);
  const said = log.tail();
  log.close();
  return excused(all, said);
}

/** A job that failed by itself, with its fault where it says so in words that are known. */
function excused(ending: Ending, said: string): Ending {
  if (ending.state !== "failed" || ending.blame !== "job") return ending;
  const blamed = blamedBy(said);
  if (blamed === null) return ending;
  return { ...ending, error: blamedText(ending.error ?? "", blamed), blame: blamed.blame };
}

interface Running {
  readonly folder: string;
  readonly ticket: JobTicket;
  readonly wish: Wishes;
  readonly log: JobLog;
}

/** What becomes of a job whose command submitted another one, after the command ended. */
async function submitted(running: Running, command: Ending): Promise<Ending> {
  const { folder, ticket } = running;
  const id = readSubmitted(folder);
  if (command.state === "succeeded" && id === null) return unnamed;
  const wait = ticket.submits?.wait ?? null;
  const ending =
    command.state === "succeeded" && id !== null && wait !== null
      ? await runCommand(running, withId(wait, id))
      : command;
  if (ending.state === "succeeded") return ending;
  const trouble = await endSubmitted(folder, ticket, process.env);
  // A job that failed by itself has ended already, and cannot be ended again.
  const expected = ending.state === "failed" && ending.blame === "job";
  return trouble === null || expected
    ? ending
    : { ...ending, error: `${ending.error}; ${trouble}` };
}

const unnamed: Ending = {
  state: "failed",
  error: "it exited 0 without saying which Dataproc job it submitted, so nobody waited for one",
  blame: "job",
};

async function runCommand(running: Running, argv: readonly string[]): Promise<Ending> {
  const { folder, ticket, wish, log } = running;
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    cwd: ticket.cwd,
    env: { ...process.env, ...ticket.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const [out, err] = ears(running);
  child.stdout.on("data", (bytes: Uint8Array) => {
    log.stdout(bytes);
    out(bytes);
  });
  child.stderr.on("data", (bytes: Uint8Array) => {
    log.stderr(bytes);
    err(bytes);
  });
  const { pid } = child;
  const command = pid === undefined ? null : (markOf(pid) ?? { pid, born: null, space: null });
  if (command !== null) putOnce(folder, FILES.command, command);
  const exit = exitOf(child);
  const wished = await Promise.race([exit.then(() => null), wish.end]);
  await endProcesses({ cookie: cookieOf(folder), command }, ticket.graceMs);
  const ended = await exit;
  await outputRead(child);
  return wished ?? endingOf(argv, ended, log);
}

type Ear = (bytes: Uint8Array) => void;

/** Listen to both outputs of a command for what it submits. */
function ears({ folder, ticket }: Running): [out: Ear, err: Ear] {
  if (ticket.submits === undefined) return [() => {}, () => {}];
  const heard = (id: string) => {
    if (putOnce(folder, FILES.submitted, id)) touchMarker(folder, ticket.jobId);
  };
  return [hearing(heard), hearing(heard)];
}

type Exit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly by: NodeJS.Signals }
  | { readonly kind: "not-run"; readonly cause: Error };

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", (cause) => resolve({ kind: "not-run", cause }));
    child.once("exit", (code, by) => {
      resolve(by === null ? { kind: "exited", code: code ?? 0 } : { kind: "signalled", by });
    });
  });
}

/** Resolves when the pipes are read to their ends; a process that holds one open is not awaited. */
async function outputRead(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream?.closed === false);
  const closed = streams.map((stream) => new Promise((resolve) => stream?.once("close", resolve)));
  await Promise.race([Promise.all(closed), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  for (const stream of streams) stream?.destroy();
}

function endingOf(argv: readonly string[], exit: Exit, log: JobLog): Ending {
  const words = log.lastWords();
  const said = words === "" ? "" : `: ${words}`;
  switch (exit.kind) {
    case "exited":
      return exit.code === 0
        ? { state: "succeeded", error: null, blame: "job" }
        : { state: "failed", error: `exit code ${exit.code}${said}`, blame: "job" };
    case "signalled":
      return { state: "failed", error: `ended by ${exit.by}${said}`, blame: blameOf(exit.by) };
    case "not-run":
      return { state: "failed", error: notRun(argv, exit.cause), blame: "job" };
  }
}

/** Signals that come from outside, not from a defect of the command: shut-down, or lack of memory. */
function blameOf(signal: NodeJS.Signals): JobEnd["blame"] {
  return ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"].includes(signal) ? "infrastructure" : "job";
}

function notRun([program]: readonly string[], cause: Error): string {
  const code = "code" in cause ? String(cause.code) : cause.message;
  const command = `the command "${program}"`;
  if (code === "ENOENT") return `${command} was not found; install it or correct --command`;
  if (code === "EACCES") return `${command} may not be executed; check its permissions`;
  return `${command} could not be run: ${code}`;
}

/** Why a command should end before it does by itself. */
interface Wishes {
  readonly end: Promise<Ending>;
  stop(): void;
}

const timeoutMsMax = 2 ** 31 - 1;
const cancelPollMs = 500;
const signMs = 5_000;

function wishes(folder: string, ticket: JobTicket): Wishes {
  const timers: NodeJS.Timeout[] = [];
  const end = new Promise<Ending>((resolve) => {
    const lookForCancel = () => {
      if (isCancelled(folder)) resolve(cancelled);
    };
    const limitMs = Math.min(ticket.timeoutMs, timeoutMsMax);
    timers.push(setInterval(lookForCancel, cancelPollMs));
    timers.push(setInterval(() => giveSign(folder), signMs));
    timers.push(setTimeout(() => resolve(timedOut(ticket)), limitMs));
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      process.on(signal, () => resolve(isCancelled(folder) ? cancelled : told(signal)));
    }
  });
  return { end, stop: () => timers.forEach((timer) => clearTimeout(timer)) };
}

function timedOut({ timeoutMs }: JobTicket): Ending {
  const error = `it ran longer than its limit of ${timeoutMs / 1_000} s and was ended`;
  return { state: "timed-out", error, blame: "job" };
}

function told(signal: string): Ending {
  const error = `its supervisor was told to stop (${signal}) and ended it`;
  return { state: "vanished", error, blame: "infrastructure" };
}

/** An end that is not written did not happen: a full disk is waited for. */
async function untilWritten(folder: string, end: JobEnd): Promise<void> {
  for (;;) {
    try {
      putOnce(folder, FILES.end, end);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

await supervise(process.argv[2] ?? "");
