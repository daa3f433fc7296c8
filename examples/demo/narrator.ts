import colors from "picocolors";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

const PAINT: Record<string, (text: string) => string> = {
  launching: colors.cyan,
  succeeded: colors.green,
  failed: colors.red,
  retrying: colors.yellow,
  waiting: colors.dim,
  skipped: colors.dim,
};

/** Tells what happens, as it happens, with the story's time. */
export function narrator(out: { write(text: string): unknown }, clock: Clock) {
  const tell = (mark: string, what: string, note: string) => {
    const time = new Date(clock.now()).toISOString();
    const when = `${time.slice(5, 10)} ${time.slice(11, 16)}`;
    out.write(`${colors.dim(when)}  ${mark} ${what}  ${colors.dim(note)}\n`);
  };
  const moved = (fields: object): boolean => {
    if ("config" in fields && "state" in fields && "why" in fields) {
      const note = `${String(fields.state)}: ${String(fields.why)}`;
      tell(colors.magenta("stream    "), String(fields.config), note);
      return true;
    }
    if (!("task" in fields && "to" in fields && "why" in fields)) return false;
    const to = String(fields.to);
    const paint = PAINT[to] ?? ((text: string) => text);
    const note = to === "launching" || to === "succeeded" ? "" : String(fields.why);
    tell(paint(to.padEnd(10)), String(fields.task), note);
    return true;
  };
  const log: Log = {
    info(fields, message) {
      if (moved(fields)) return;
      if ("match" in fields) tell(colors.green("published "), message, "");
      if ("written" in fields) tell(colors.green("uploaded  "), message, "");
    },
    warn: (fields, message) => tell(colors.yellow("warning   "), message, noteOf(fields)),
    error: (fields, message) => tell(colors.red("error     "), message, noteOf(fields)),
  };
  return {
    log,
    landed: (what: string, note: string) => tell(colors.bold("lands     "), what, note),
  };
}

function noteOf(fields: object): string {
  return "reason" in fields ? String(fields.reason) : "";
}
