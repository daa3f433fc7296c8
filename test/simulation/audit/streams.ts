import type { EpochMs } from "../../../schemas/ids.ts";
import type { Broken, TraceEntry, WantedStream } from "../trace.ts";
import { breaks, type History, type StreamHistory, type StreamJob, taskName } from "./history.ts";

type Begun = Extract<TraceEntry, { kind: "job-begun" }> & { readonly from: string | null };
type Ended = Extract<TraceEntry, { kind: "job-ended" }>;

/**
 * Streams. S1: an attempt is stored before its job begins, and is one job. S2: no job begins beside
 * another. S3: a job is ended by a command or because of another conf. S4: it goes on from the
 * newest complete checkpoint, or somebody said that it should not.
 */
type Promised = Extract<Broken["promise"], `S${string}`>;

export function streamHistory(history: History, config: string): StreamHistory {
  const known = history.streams.get(config);
  if (known !== undefined) return known;
  const stream: StreamHistory = {
    jobs: [],
    checkpoints: [],
    isManifestWhole: true,
    isMuddled: false,
    document: null,
    asked: [],
  };
  history.streams.set(config, stream);
  return stream;
}

/** Processes may take so long from what they saw to what they do. */
const slackMs = 3 * 3_600_000;
/** From a claim to the submission, with clocks that are apart. */
const submitSlackMs = 300_000;

export function streamBegun(history: History, { jobId, task, from, at }: Begun): void {
  const config = taskName(task).step.replace(/\/streaming$/, "");
  const stream = streamHistory(history, config);
  const say = (promise: Promised, what: string) => breaks(history, { promise, at }, what);
  const running = stream.jobs.filter(({ ended }) => ended === null);
  const isOwn = jobId.startsWith("landfall-");
  const isAstray = !isOwn && placeOf(from) !== (stream.checkpoints.at(-1) ?? null);
  if (isAstray || running.some((other) => isForeign(other) || !isOwn)) stream.isMuddled = true;
  if (isOwn) {
    const attempt = stream.document?.attempts.find((one) => one.jobId === jobId);
    if (attempt === undefined) say("S1", `job ${jobId} of ${task} began before it was stored`);
    for (const other of running) {
      const isNew = isForeign(other) && other.begunAt > at - submitSlackMs;
      if (!isNew) say("S2", `job ${jobId} of ${task} began while ${other.jobId} ran`);
    }
    if (!stream.isMuddled) stateKept(stream, { from, at }, say);
  }
  stream.jobs.push({ jobId, begunAt: at, ended: null });
}

/** A checkpoint by its path below the place of Flink's state. */
function placeOf(from: string | null): string | null {
  return from === null ? null : from.slice(from.indexOf("checkpoints/"));
}

function isForeign({ jobId }: StreamJob): boolean {
  return !jobId.startsWith("landfall-");
}

function stateKept(
  { checkpoints, asked }: StreamHistory,
  { from, at }: { readonly from: string | null; readonly at: EpochMs },
  say: (promise: Promised, what: string) => void,
): void {
  const newest = checkpoints.at(-1) ?? null;
  const found = placeOf(from);
  if (found === newest) return;
  const anew = asked.some(
    (one) => one.command.kind === "stream-deploy" && one.command.state === "none" && one.at <= at,
  );
  if (anew && (found === null || checkpoints.includes(found))) return;
  say("S4", `it begins ${found === null ? "anew" : `from ${found}`}, the newest is ${newest}`);
}

/** Whether the job was a stream's. */
export function streamEnded(history: History, { jobId, state, at }: Ended): boolean {
  for (const [config, stream] of history.streams) {
    const job = stream.jobs.find((one) => one.jobId === jobId);
    if (job === undefined) continue;
    job.ended = at;
    if (state === "cancelled" && !isForeign(job) && !mayEnd(history, { config, stream, job, at })) {
      const what = `job ${jobId} of the stream of ${config} was cancelled, and nobody had a reason`;
      breaks(history, { promise: "S3", at }, what);
    }
    return true;
  }
  return false;
}

interface Ending {
  readonly config: string;
  readonly stream: StreamHistory;
  readonly job: StreamJob;
  readonly at: EpochMs;
}

function mayEnd(history: History, { config, stream, job, at }: Ending): boolean {
  const since = job.begunAt - slackMs;
  if (stream.asked.some((one) => since <= one.at && one.at <= at)) return true;
  const contents = history.wanted.flatMap((wanted, nth) => {
    const replacedAt = history.releasedAt[nth] ?? Number.POSITIVE_INFINITY;
    if (replacedAt < since) return [];
    return wanted.streams.filter((one) => one.config === config).map(({ content }) => content);
  });
  return new Set(contents).size > 1;
}

export function checkpointed(
  history: History,
  { jobId, path }: Extract<TraceEntry, { kind: "checkpoint" }>,
): void {
  for (const { jobs, checkpoints } of history.streams.values()) {
    if (jobs.some((job) => job.jobId === jobId)) checkpoints.push(path);
  }
}

/** A stream that could begin runs, or is held for a reason. */
export function streamAtRest(history: History, { config }: WantedStream, at: EpochMs): void {
  const say = (what: string) => breaks(history, { promise: "liveness", at }, what);
  const isServed = [...history.tasks.values()].some(
    ({ step, state }) => step === `${config}/upload-to-kv` && state.kind === "succeeded",
  );
  if (!isServed) return;
  const { document, jobs, asked, isManifestWhole, isMuddled } = streamHistory(history, config);
  const running = jobs.filter(({ ended }) => ended === null);
  if (document?.state.kind === "held") {
    const { reason } = document.state;
    const isRight =
      reason === "stopped"
        ? asked.some(({ command }) => command.kind === "stream-stop")
        : !isManifestWhole || isMuddled;
    if (!isRight) say(`the stream of ${config} is held: ${document.why}`);
    return;
  }
  if (running.length !== 1) {
    say(
      `${running.length} jobs keep the stream of ${config}: ${document?.why ?? "nothing is stored"}`,
    );
  }
}
