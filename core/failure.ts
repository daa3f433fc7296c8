import type { Attempt } from "../schemas/tasks.ts";
import { causeOf } from "./cause.ts";
import { sha256Hex } from "./hash.ts";
import { nothingWritten, timedOut } from "./outcome.ts";

/** What kind of failure it was, and which. */
export interface Failure {
  /** An exception's name without its package, or a word of ours. */
  readonly errorClass: string;
  /** The same for every failure of one class and cause, whatever ids, paths and numbers it names. */
  readonly fingerprint: string;
}

/**
 * The failure of an attempt, for statistics only: nothing is decided by it. `names` are those of
 * the task, which two tasks with one trouble do not share.
 */
export function failureOf(
  attempt: Pick<Attempt, "outcome" | "blame" | "error">,
  names: readonly string[],
): Failure {
  const errorClass = classOf(attempt);
  const cause = causeOf(attempt.error ?? "", names);
  return { errorClass, fingerprint: sha256Hex(`${errorClass}\n${cause}`).slice(0, 16) };
}

type Ended = Pick<Attempt, "outcome" | "blame" | "error">;

function classOf({ outcome, blame, error }: Ended): string {
  const text = error ?? "";
  if (text.startsWith(nothingWritten)) return "NothingWritten";
  if (outcome === "timed-out" || text.startsWith(timedOut)) return "TimedOut";
  if (outcome === "vanished") return "Vanished";
  if (outcome === "cancelled") return "CancelledByOthers";
  return (
    exceptionIn(text) ??
    wordOf(text) ??
    (blame === "infrastructure" ? "Infrastructure" : "Unclassified")
  );
}

/** As Java, Scala and Python name them, with what they are in before or not. */
const exception = /(?<![\w$])(?:[a-z_$][\w$]*\.)*([A-Z][\w$]*(?:Exception|Error))(?![\w$])/g;
const causedBy = /Caused by: (?:[\w$]+\.)*([A-Z][\w$]*)/g;

/** The root cause where one is told, else the first exception that is named. */
function exceptionIn(text: string): string | null {
  const root = [...text.matchAll(causedBy)].at(-1);
  const [first] = text.matchAll(exception);
  return root?.[1] ?? first?.[1] ?? null;
}

/** What a runner says of a job that ended without naming an exception. */
function wordOf(text: string): string | null {
  if (text.startsWith("refused: ")) return "Refused";
  const [, code] = /^exit code (\d+)\b/.exec(text) ?? [];
  if (code !== undefined) return `ExitCode${code}`;
  const [, signal] = /^ended by (SIG[A-Z]+)\b/.exec(text) ?? [];
  return signal ?? null;
}
