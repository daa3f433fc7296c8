import type { EpochMs } from "../schemas/ids.ts";
import type { Run } from "../schemas/tasks.ts";
import { unitInterval } from "./hash.ts";
import type { Policy } from "./policy.ts";

const backoffMaxMs = 3_600_000;

/**
 * When a run may be attempted again after its last attempt failed; null: it may not.
 *
 * Failures of the job and of the ground under it are counted apart. The wait is uniform between 0
 * and twice the mean (full jitter), drawn from the job's id: the same failure waits as long
 * whoever looks at it.
 */
export function retryAt({ retries }: Policy, run: Run, now: EpochMs): EpochMs | null {
  const last = run.attempts.at(-1);
  if (last === undefined || last.blame === null) return null;
  const policy = retries[last.blame];
  const failures = run.attempts.filter((attempt) => attempt.blame === last.blame).length;
  if (failures > policy.max) return null;
  const spanMs = Math.min(backoffMaxMs, 2 * policy.delayMs * 2 ** (failures - 1));
  return now + Math.round(spanMs * unitInterval(last.jobId));
}
