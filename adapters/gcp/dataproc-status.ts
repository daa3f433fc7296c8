import type { JobStatus } from "../../ports/job-runner.ts";
import type { JobUsage } from "../../schemas/events.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import type { Batch, Job } from "./dataproc-calls.ts";
import { type LabelledJob, type Labels, readLabels, slotOf } from "./dataproc-labels.ts";

/** A job as a list showed it. */
export interface SeenJob {
  readonly status: JobStatus;
  readonly timeoutMs: number;
  readonly slot: string;
}

/** What a job or a batch says of itself, in words that both share. */
interface Told {
  readonly jobId: string;
  readonly labels: Labels;
  /** States it was in, the present one last. */
  readonly history: readonly State[];
  readonly log: string | null;
  readonly usage: JobUsage | null;
}

interface State {
  readonly name: string;
  readonly substate: string;
  readonly details: string;
  readonly at: EpochMs | null;
}

/** What Landfall makes of a Dataproc job; null when it is none of ours. */
export function seenJob(job: Job): SeenJob | null {
  const states = [...(job.statusHistory ?? []), ...(job.status ? [job.status] : [])];
  return seen({
    jobId: job.reference?.jobId ?? "",
    labels: job.labels ?? {},
    history: states.map(({ state, substate, details, stateStartTime }) => ({
      name: String(state),
      substate: String(substate),
      details: details ?? "",
      at: millis(stateStartTime),
    })),
    log: job.driverOutputResourceUri || null,
    usage: usageOnYarn(job),
  });
}

/** What Landfall makes of a batch of Dataproc Serverless; null when it is none of ours. */
export function seenBatch(batch: Batch): SeenJob | null {
  const states = [
    ...(batch.stateHistory ?? []),
    { state: batch.state, stateMessage: batch.stateMessage, stateStartTime: batch.stateTime },
  ];
  const found = seen({
    jobId: batch.name?.split("/").at(-1) ?? "",
    labels: batch.labels ?? {},
    history: states.map(({ state, stateMessage, stateStartTime }) => ({
      name: String(state),
      substate: "",
      details: stateMessage ?? "",
      at: millis(stateStartTime),
    })),
    log: batch.runtimeInfo?.outputUri || null,
    usage: usageServerless(batch),
  });
  const createdAt = millis(batch.createTime);
  return found === null || createdAt === null ? found : { ...found, slot: slotOf(createdAt) };
}

/** Counts of YARN that Dataproc's API tells (`yarn-counts.ts`); 0 stands for not counted yet, too. */
interface Counted {
  readonly vcoreSeconds?: unknown;
  readonly memoryMbSeconds?: unknown;
}

/** Of all applications that the job made; null: nothing was counted. */
function usageOnYarn({ yarnApplications }: Job): JobUsage | null {
  const applications = (yarnApplications ?? []) as readonly Counted[];
  const sum = (of: (counted: Counted) => unknown) =>
    applications.reduce((all, each) => all + Number(of(each) ?? 0), 0);
  const vcoreSeconds = sum((each) => each.vcoreSeconds);
  const memoryMbSeconds = sum((each) => each.memoryMbSeconds);
  return vcoreSeconds + memoryMbSeconds === 0 ? null : { vcoreSeconds, memoryMbSeconds };
}

function usageServerless({ runtimeInfo }: Batch): JobUsage | null {
  const { milliDcuSeconds, shuffleStorageGbSeconds } = runtimeInfo?.approximateUsage ?? {};
  if (milliDcuSeconds === undefined || milliDcuSeconds === null) return null;
  return {
    milliDcuSeconds: Number(milliDcuSeconds),
    shuffleStorageGbSeconds: Number(shuffleStorageGbSeconds ?? 0),
  };
}

function seen(told: Told): SeenJob | null {
  const labelled = readLabels(told.labels);
  const now = told.history.at(-1);
  if (labelled === null || now === undefined) return null;
  const { task, run, attempt, timeoutMs, slot, trace } = labelled;
  const running = told.history.filter(({ name }) => name === "RUNNING");
  const began = running.find(({ substate }) => substate !== "QUEUED") ?? null;
  const state = stateOf(told, labelled, began);
  const ended = isEnd(state);
  const status: JobStatus = {
    jobId: told.jobId,
    task,
    run,
    attempt,
    state,
    startedAt: began?.at ?? null,
    endedAt: ended ? now.at : null,
    error: errorOf(state, now, timeoutMs),
    blame: state === "failed" ? blameOf(told.history, began) : "job",
    log: told.log,
    ...(told.usage === null ? {} : { usage: told.usage }),
    ...(trace === undefined ? {} : { trace }),
  };
  return { status, timeoutMs, slot };
}

/** Dataproc's states of jobs and of batches (`JobStatus.State`, `Batch.State`). */
const STATE: Readonly<Record<string, JobStatus["state"]>> = {
  STATE_UNSPECIFIED: "pending",
  PENDING: "pending",
  SETUP_DONE: "pending",
  RUNNING: "running",
  // Of restartable jobs only: the driver is started again.
  ATTEMPT_FAILURE: "running",
  CANCEL_PENDING: "running",
  CANCEL_STARTED: "running",
  CANCELLING: "running",
  CANCELLED: "cancelled",
  DONE: "succeeded",
  SUCCEEDED: "succeeded",
  ERROR: "failed",
  FAILED: "failed",
};

function stateOf(
  { history }: Told,
  { timeoutMs }: LabelledJob,
  began: State | null,
): JobStatus["state"] {
  const now = history.at(-1);
  const state = STATE[now?.name ?? ""] ?? "pending";
  if (state === "running" && now?.substate === "QUEUED") return "pending";
  // A batch that reached its time to live may say either.
  if (state !== "cancelled" && now?.name !== "FAILED") return state;
  const asked = history.find(({ name }) => name.startsWith("CANCEL"));
  return isOutOfTime({ began, ended: asked ?? now ?? null, timeoutMs }) ? "timed-out" : state;
}

/** Clocks differ; a tenth of a short limit, five seconds of a long one. */
function isOutOfTime(of: {
  readonly began: State | null;
  readonly ended: State | null;
  readonly timeoutMs: number;
}): boolean {
  const [from, to] = [of.began?.at ?? null, of.ended?.at ?? null];
  if (from === null || to === null) return false;
  return to - from >= of.timeoutMs - Math.min(5_000, of.timeoutMs / 10);
}

export function isEnd(state: JobStatus["state"]): boolean {
  return state !== "pending" && state !== "running";
}

/**
 * Whose fault a failure is, by fields that Dataproc documents, not by the words of its details:
 * the job never came to RUNNING, so no line of it ran; or the last that was heard of it was
 * STALE_STATUS, "a loss of communication between the agent and Dataproc". Else its driver ended
 * by itself, and that is the job's.
 */
function blameOf(history: readonly State[], began: State | null): JobStatus["blame"] {
  if (began === null) return "infrastructure";
  return history.at(-2)?.substate === "STALE_STATUS" ? "infrastructure" : "job";
}

function errorOf(state: JobStatus["state"], { details }: State, timeoutMs: number): string | null {
  switch (state) {
    case "failed":
      return inOneLine(details) ?? "Dataproc says it failed, and not why: see its log";
    case "cancelled":
      return "it was cancelled";
    case "timed-out":
      return `it ran longer than its limit of ${timeoutMs / 1_000} s and was ended`;
    case "vanished":
      return "it is not known to Dataproc any more: somebody deleted it";
    case "pending":
    case "running":
    case "succeeded":
      return null;
  }
}

const lineMax = 600;

/** The last lines of what Dataproc says, without its links and hints of commands, in one line. */
function inOneLine(details: string): string | null {
  const lines = details
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(https?:\/\/|gs:\/\/|gcloud )/.test(line));
  const text = lines.join(" ");
  if (text === "") return null;
  return text.length <= lineMax ? text : `... ${text.slice(-lineMax)}`;
}

function millis(
  time: { seconds?: unknown; nanos?: number | null } | null | undefined,
): EpochMs | null {
  if (time === null || time === undefined) return null;
  const seconds = Number(time.seconds);
  return Number.isFinite(seconds)
    ? seconds * 1_000 + Math.floor((time.nanos ?? 0) / 1_000_000)
    : null;
}
