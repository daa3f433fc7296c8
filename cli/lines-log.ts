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
    const time = new Date(now()).toISOString().slice(11, 23);
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
    return `${paint(String(fields.to).padEnd(10))} ${String(fields.task)}  ${colors.dim(String(fields.why))}`;
  }
  const reason = "reason" in fields ? `: ${String(fields.reason)}` : "";
  return `${message}${reason}`;
}
