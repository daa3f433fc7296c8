import colors from "picocolors";
import type { Log } from "../ports/log.ts";

const STATE_COLOR: Record<string, (text: string) => string> = {
  succeeded: colors.green,
  failed: colors.red,
  retrying: colors.yellow,
  waiting: colors.dim,
  skipped: colors.dim,
};

/** A log for people: one line a message, the time in UTC first. */
export function linesLog(out: { write(text: string): unknown }, now = () => Date.now()): Log {
  const line = (mark: string, fields: object, message: string) => {
    const time = new Date(now()).toISOString().slice(0, 23).replace("T", " ");
    out.write(`${colors.dim(`${time}Z`)} ${mark}${detailed(fields, message)}\n`);
  };
  return {
    info: (fields, message) => line("", fields, message),
    warn: (fields, message) => line(`${colors.yellow("warning")} `, fields, message),
    error: (fields, message) => line(`${colors.red("error")} `, fields, message),
  };
}

function detailed(fields: object, message: string): string {
  if ("task" in fields && "to" in fields && "why" in fields) {
    const paint = STATE_COLOR[String(fields.to)] ?? ((text: string) => text);
    return `${paint(String(fields.to).padEnd(10))} ${String(fields.task)}  ${colors.dim(shortened(String(fields.why)))}`;
  }
  const reason = "reason" in fields ? `: ${String(fields.reason)}` : "";
  return `${message}${reason}`;
}

const whyMax = 100;

/** The start of a long reason; `landfall task` and `landfall why` tell all of it. */
function shortened(why: string): string {
  return why.length <= whyMax ? why : `${why.slice(0, whyMax - 1)}…`;
}
