import { blamedBy, blamedText } from "../../core/blame.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { drive } from "./driver.ts";
import { faultOf, faultText, type RehearsalWorld } from "./world.ts";

export interface RehearsalEnding {
  readonly state: Exclude<JobStatus["state"], "pending" | "running">;
  readonly endedAt: EpochMs;
  readonly error: string | null;
  readonly blame: "job" | "infrastructure";
}

/** A job that has not ended. */
export interface RehearsalJob {
  readonly spec: JobSpec;
  readonly startedAt: EpochMs;
  /** When its work is done; null: it hangs. */
  readonly dueAt: EpochMs | null;
  readonly cancelled: boolean;
}

/** When a job's work is done or its time is up, whichever comes first. */
export function endsAt({ spec, startedAt, dueAt }: RehearsalJob): EpochMs {
  const limit = startedAt + spec.timeoutMs;
  return dueAt === null ? limit : Math.min(dueAt, limit);
}

/** Does the work of a job whose time has come and tells how it ended; a cancelled one does none. */
export async function endingOf(
  world: RehearsalWorld,
  { spec, startedAt, dueAt }: RehearsalJob,
  isCancelled: () => boolean,
): Promise<RehearsalEnding> {
  const ended = (
    state: RehearsalEnding["state"],
    error: string | null,
    blame: RehearsalEnding["blame"] = "job",
  ): RehearsalEnding => ({ state, endedAt: world.clock.now(), error, blame });
  const cancelled = () => ended("cancelled", "it was cancelled");

  if (isCancelled()) return cancelled();
  if (dueAt === null || dueAt > startedAt + spec.timeoutMs) {
    const limit = `its limit of ${spec.timeoutMs / 1_000} s`;
    return ended("timed-out", `it ran longer than ${limit} and was ended`);
  }
  const fault = faultOf(world.behaviour, spec, spec.range);
  if (fault?.does === "vanish") {
    return ended("vanished", faultText(fault, "the job was lost"), "infrastructure");
  }
  try {
    const error = await drive(world, spec);
    if (isCancelled()) return cancelled();
    if (error === null) return ended("succeeded", null);
    const blamed = blamedBy(error);
    if (blamed === null) return ended("failed", error);
    return ended("failed", blamedText(error, blamed), blamed.blame);
  } catch (cause) {
    const blame = cause instanceof RetryableError ? "infrastructure" : "job";
    const message = cause instanceof Error ? cause.message : String(cause);
    return ended("failed", `rehearsal: ${message}`, blame);
  }
}
