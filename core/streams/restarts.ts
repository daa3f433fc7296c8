import type { EpochMs } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { StreamAttempt } from "../../schemas/streams.ts";
import { unitInterval } from "../hash.ts";

/** Whether an attempt ended, and not because Landfall asked it to or never submitted it. */
export function endedByItself({ endedAt, asked, outcome }: StreamAttempt): boolean {
  return endedAt !== null && !asked && outcome !== "not-submitted";
}

/**
 * Not before then is a job begun again; null: at once. A stream that had lasted is, one that had not
 * waits twice as long each time; the second half of a wait is drawn from the job's id, so that
 * streams which ended together do not begin together.
 */
export function restartAt(
  attempts: readonly StreamAttempt[],
  settings: Settings["streams"],
): EpochMs | null {
  const last = attempts.at(-1);
  if (last === undefined || last.endedAt === null || !endedByItself(last)) return null;
  const failures = briefEnds(attempts, settings.graceMs);
  if (failures === 0) return null;
  const waitMs = Math.min(settings.restartMsMax, settings.restartMs * 2 ** (failures - 1));
  return last.endedAt + Math.round((waitMs * (1 + unitInterval(last.jobId))) / 2);
}

/** How many attempts in a row, up to the last, ended without having been healthy for a while. */
function briefEnds(attempts: readonly StreamAttempt[], graceMs: number): number {
  let count = 0;
  for (const attempt of attempts.toReversed().filter(endedByItself)) {
    const lastedMs = (attempt.healthyAt ?? attempt.claimedAt) - attempt.claimedAt;
    if (lastedMs >= graceMs) break;
    count += 1;
  }
  return count;
}

/** Whether somebody, and not a check, had it begun: what was before is seen to. */
export function isCommanded({ because }: StreamAttempt): boolean {
  return because.startsWith(deployedBy);
}

/** What the reason of an attempt begins with that was asked for; then comes by whom. */
export const deployedBy = "deployed by ";

/** Ends nobody asked for, since the last command, within the time that is looked at for flapping. */
export function recentEnds(
  attempts: readonly StreamAttempt[],
  { now, settings }: { readonly now: EpochMs; readonly settings: Settings["streams"] },
): readonly StreamAttempt[] {
  const from = now - settings.flappingMs;
  const since = Math.max(0, attempts.findLastIndex(isCommanded));
  return attempts
    .slice(since)
    .filter((attempt) => endedByItself(attempt) && (attempt.endedAt ?? from) > from);
}
