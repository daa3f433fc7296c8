import { spawn } from "node:child_process";
import { cookieName } from "./job-cookie.ts";
import { type JobTicket, readSubmitted, type Submitting } from "./job-folder.ts";

const lineMax = 4_096;
const line = /Dataproc submitter job id:?\s*([A-Za-z0-9][A-Za-z0-9_-]*)/;

/** Hears in a command's output the id of the job that it submitted; the first one counts. */
export function hearing(heard: (id: string) => void): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let rest = "";
  let done = false;
  return (bytes) => {
    if (done) return;
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(-lineMax);
    const id = lines.map((each) => line.exec(each)?.[1]).find((found) => found !== undefined);
    if (id === undefined) return;
    done = true;
    heard(id);
  };
}

/** A command of a submitted job, with its id in place. */
export function withId(argv: readonly string[], id: string): readonly string[] {
  return argv.map((argument) => argument.replaceAll("{id}", id));
}

/** Where a submitted job can be looked at. */
export function linkOf({ link }: Submitting, id: string): string {
  return link.replaceAll("{id}", id);
}

const cancelMsMax = 120_000;

/**
 * Ends the job that a job's command submitted, if it said which: only then may nothing of it be
 * running any more. `inherited`: the environment that the command got. Answers what is wrong when it could not be ended; null otherwise.
 */
export async function endSubmitted(
  folder: string,
  ticket: JobTicket,
  inherited: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const id = readSubmitted(folder);
  if (id === null || ticket.submits === undefined) return null;
  const [file = "", ...args] = withId(ticket.submits.cancel, id);
  const { [cookieName]: _, ...env } = { ...inherited, ...ticket.env };
  const trouble = await new Promise<string | null>((resolve) => {
    const child = spawn(file, args, { env, stdio: "ignore", timeout: cancelMsMax });
    child.once("error", (cause) => resolve(cause.message));
    child.once("exit", (code, by) => resolve(code === 0 ? null : `${file} ended by ${code ?? by}`));
  });
  if (trouble === null) return null;
  return `Dataproc job ${id} could not be ended (${trouble}): end it by hand if it still runs`;
}
