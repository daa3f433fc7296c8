import type { JobSettled } from "../schemas/events.ts";
import type { EpochMs, Partition } from "../schemas/ids.ts";
import type { Version } from "../schemas/landings.ts";
import type { PlanStep } from "../schemas/plan.ts";
import type { Attempt, Run, Task, TaskState } from "../schemas/tasks.ts";
import { consistencyLine } from "./consistency.ts";
import { daysIn, partitionEndMs } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { compareVersions, landingOf } from "./landings.ts";
import { fetcherCacheMs } from "./metadata.ts";
import { keyOfStep } from "./metadata-by.ts";
import { policyOf } from "./policy.ts";
import { retryAt } from "./retry.ts";
import { firstBecause, isLive, retiredBecause } from "./status.ts";

/**
 * The task after its job ended, or null when the outcome is not of its live attempt: those are
 * facts of the past and change nothing (I2, I8).
 */
export function afterOutcome(deciding: Deciding, task: Task, settled: JobSettled): Task | null {
  const { state } = task;
  if (!isLive(state) || state.run !== settled.run || state.attempt !== settled.attempt) return null;
  if (state.jobId !== settled.jobId) return null;
  const step = deciding.plan.step(task.step);
  const judged = judge(deciding, { task, step, settled });
  const runs = recordAttempt(task.runs, settled, judged);
  const next = stateAfter(deciding, { task, judged, runs });
  return { ...task, ...next, runs, queuedFor: null };
}

/** How the reason of a failure begins when a job that exited 0 has written nothing (I5). */
export const nothingWritten = "exit 0, nothing written";

/** How the reason of a failure begins when a job ran out of its time, whoever's clock saw it first. */
export const timedOut = "timed out: ";

/** What an outcome amounts to, once what was written has been looked at. */
type Judged =
  | { readonly kind: "done"; readonly remark: string | null }
  | {
      readonly kind: "failed";
      readonly blame: "job" | "infrastructure";
      readonly error: string;
      readonly retry: boolean;
    }
  | { readonly kind: "cancelled" }
  /** Its step had left the plan; it comes back with it. */
  | { readonly kind: "retired" };

interface Judging {
  readonly task: Task;
  /** Undefined when the step was retired while its job ran. */
  readonly step: PlanStep | undefined;
  readonly settled: JobSettled;
}

function judge(deciding: Deciding, judging: Judging): Judged {
  const { task, settled } = judging;
  if (settled.outcome === "succeeded") return judgeWritten(deciding, judging);
  if (task.state.kind === "cancelling" && task.state.reason !== "timed-out") {
    return { kind: task.state.reason === "command" ? "cancelled" : "retired" };
  }
  const error = settled.error ?? `its job ${settled.outcome}`;
  if (task.state.kind === "cancelling") return failure("job", timedOut + error);
  if (settled.outcome === "timed-out") return failure(settled.blame, timedOut + error);
  if (settled.outcome === "cancelled") {
    return { ...failure("job", "its job was cancelled by someone else"), retry: false };
  }
  return failure(settled.blame, error);
}

function failure(
  blame: "job" | "infrastructure",
  error: string,
): Extract<Judged, { kind: "failed" }> {
  return { kind: "failed", blame, error, retry: true };
}

/**
 * I5: a job that exited 0 has done its work only if each output partition is newer than when its
 * attempt began. A step that only fills skips what an earlier attempt of its run wrote, so there it
 * is the run that counts, and what was there already while no run before it was judged.
 */
function judgeWritten(deciding: Deciding, { task, step, settled }: Judging): Judged {
  // Nobody looked at what it wrote: it is not said to have succeeded, and runs again with its step.
  if (step === undefined || settled.unseen === true) return { kind: "retired" };
  if (step.verification === "serving-info") {
    return deciding.settings.servingInfo === "believe"
      ? { kind: "done", remark: "its rows in the online store were not looked at" }
      : judgeServingInfo(task, settled);
  }
  if (step.verification === "metadata-row") return judgeRow(deciding, step, { task, settled });
  if (step.verification === "published") return judgePublished(deciding, task);
  if (step.output === undefined) return { kind: "done", remark: null };
  const { output } = step;
  const found = daysIn(task).map((day) => writtenSince(deciding, { task, step, settled, day }));
  const missing = daysIn(task).filter((_, at) => found[at] === "absent");
  if (missing.length > 0) {
    return failure("job", `${nothingWritten}: ${output} has no ${missing.join(", ")}`);
  }
  if (!found.includes("untouched")) return { kind: "done", remark: null };
  if (step.effect === "fills" && nothingJudgedYet(task)) {
    return { kind: "done", remark: "already filled" };
  }
  const untouched = daysIn(task).filter((_, at) => found[at] === "untouched");
  return failure("job", `${nothingWritten}: ${output} is as it was at ${untouched.join(", ")}`);
}

/** The row must be that of the conf, and no older than the attempt: a table drops rows by their age. */
function judgeRow(
  { settings }: Deciding,
  step: PlanStep,
  { task, settled }: Pick<Judging, "task" | "settled">,
): Judged {
  if (settings.servingInfo === "believe") {
    return { kind: "done", remark: "its row in the online store was not looked at" };
  }
  const key = keyOfStep(step);
  const { table } = settings.metadata;
  const landing = settled.outputs[0]?.landing ?? null;
  if (landing === null) {
    return failure("job", `${nothingWritten}: ${table} has no row ${key} of this conf`);
  }
  const claimedAt = task.runs.at(-1)?.attempts.at(-1)?.claimedAt ?? 0;
  if (landing.version.n < claimedAt - clocksApartMs) {
    return failure("job", `${nothingWritten}: row ${key} of ${table} is as it was before`);
  }
  const hours = fetcherCacheMs / 3_600_000;
  return {
    kind: "done",
    remark: `fetchers have it within ${hours} h, when their caches have ended`,
  };
}

/** Landfall's own step: the document is the evidence, and what it says is worth a look. */
function judgePublished({ draft }: Deciding, { config, end }: Task): Judged {
  const found = draft.get(`consistency/${config}@${end}`);
  return found === null
    ? failure("job", "nothing was published")
    : { kind: "done", remark: consistencyLine(found) };
}

interface OutputDay extends Judging {
  readonly step: PlanStep;
  readonly day: Partition;
}

function writtenSince(
  deciding: Deciding,
  outputDay: OutputDay,
): "written" | "untouched" | "absent" {
  const { task, step, day } = outputDay;
  const now = versionNow(deciding, step, day);
  if (now === null) return "absent";
  const before = task.before[day] ?? null;
  const isNewer = before === null || compareVersions(now, before) > 0;
  return isNewer && !isOlder(deciding, outputDay) ? "written" : "untouched";
}

/**
 * Whether what was not known at the claim is older than that all the same: while a step is out of the
 * plan nobody reads its table, and its next run may be claimed before somebody does.
 */
function isOlder({ draft }: Deciding, { task, step, settled, day }: OutputDay): boolean {
  const seen = settled.outputs.find(({ partition }) => partition === day)?.landing ?? null;
  const isWhole = step.verification === "table";
  const landing = isWhole ? seen : landingOf(draft, step.output ?? "", day);
  const run = task.runs.at(-1);
  const since = step.effect === "fills" ? run?.attempts[0] : run?.attempts.at(-1);
  if (landing === null || since === undefined) return false;
  return landing.at < since.claimedAt - clocksApartMs;
}

/** No clocks are further apart: of those who write a table, and of dispatchers. */
const clocksApartMs = 60_000;

/** The version of a step's output at a day, of an unpartitioned table that of the whole. */
function versionNow({ draft }: Deciding, step: PlanStep, day: Partition): Version | null {
  const output = step.output ?? "";
  if (step.verification === "table") return draft.get(`tables/${output}`)?.newest ?? null;
  const landing = landingOf(draft, output, day);
  return landing?.state === "landed" ? landing.version : null;
}

/** KV cells carry their day as timestamp and are written in place: being there is the evidence. */
function judgeServingInfo(task: Task, settled: JobSettled): Judged {
  const seen = settled.outputs[0]?.landing ?? null;
  if (seen === null) {
    return failure("job", `${nothingWritten}: the serving info row is not at this day`);
  }
  const superseded = seen.version.n > partitionEndMs(task.end);
  return { kind: "done", remark: superseded ? "superseded by a newer day" : null };
}

/** It is the first run, or those before it ended while their step was out of the plan. */
function nothingJudgedYet({ runs }: Task): boolean {
  return runs.length === 1 || runs.every(({ because }) => because === firstBecause);
}

function currentRun(task: Task): number {
  return task.runs.at(-1)?.run ?? 1;
}

function recordAttempt(runs: readonly Run[], settled: JobSettled, judged: Judged): Run[] {
  const ended = (attempt: Attempt): Attempt => ({
    ...attempt,
    startedAt: settled.startedAt,
    endedAt: settled.endedAt,
    outcome: settled.outcome,
    blame: judged.kind === "failed" ? judged.blame : null,
    error: judged.kind === "failed" ? judged.error : settled.error,
    log: settled.log,
    ...(settled.usage === undefined ? {} : { usage: settled.usage }),
  });
  return runs.map((run, at) =>
    at === runs.length - 1
      ? { ...run, attempts: run.attempts.map((a) => (a.jobId === settled.jobId ? ended(a) : a)) }
      : run,
  );
}

function stateAfter(
  deciding: Deciding,
  { task, judged, runs }: { task: Task; judged: Judged; runs: readonly Run[] },
): { state: TaskState; why: string; wakeAt: EpochMs | null } {
  const { now } = deciding;
  const run = currentRun(task);
  switch (judged.kind) {
    case "done":
      return {
        state: { kind: "succeeded", run, at: now, remark: judged.remark },
        why: judged.remark === null ? "done" : `done: ${judged.remark}`,
        wakeAt: null,
      };
    case "cancelled":
      return {
        state: { kind: "cancelled", run, at: now },
        why: "cancelled on command",
        wakeAt: null,
      };
    case "retired":
      return {
        state: { kind: "skipped", because: retiredBecause, at: now },
        why: `skipped: ${retiredBecause}`,
        wakeAt: null,
      };
    case "failed": {
      const last = runs.at(-1);
      const policy = policyOf(deciding.settings, task);
      const notBefore = judged.retry && last !== undefined ? retryAt(policy, last, now) : null;
      if (notBefore === null) {
        return {
          state: { kind: "failed", run, at: now, reason: judged.error },
          why: `failed: ${judged.error}`,
          wakeAt: null,
        };
      }
      return {
        state: { kind: "retrying", run, notBefore },
        why: `will be tried again in ${Math.ceil((notBefore - now) / 1000)} s: ${judged.error}`,
        wakeAt: notBefore,
      };
    }
  }
}
