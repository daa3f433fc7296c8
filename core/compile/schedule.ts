import { CronPattern } from "croner";
import { type Findings, quoted } from "./findings.ts";

const never = new Set(["", "none", "null", "@never"]);

/**
 * A schedule as the plan holds it: `@daily`, a cron, or null for what runs only on command (absent,
 * `@never`, and the words zipline's hub takes for none). Anything else is an error.
 */
export function scheduleOf(text: string | null | undefined, findings: Findings): string | null {
  const written = (text ?? "").trim();
  if (never.has(written.toLowerCase())) return null;
  if (written === "@daily") return written;
  try {
    const pattern = new CronPattern(written);
    if (count(pattern.minute) * count(pattern.hour) > 1) {
      findings.warn(
        `schedule ${quoted(written)} fires more than once a day; a partition is one day and runs once, from the first time on`,
      );
    }
    return written;
  } catch {
    findings.error(`schedule ${quoted(written)} is neither @daily, @never nor a cron`);
    return null;
  }
}

function count(values: readonly number[]): number {
  return values.filter((value) => value !== 0).length;
}
