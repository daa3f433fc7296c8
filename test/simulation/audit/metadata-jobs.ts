import type { EpochMs, StepId } from "../../../schemas/ids.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { TraceEntry, Wanted, WantedStep, WantedUpload } from "../trace.ts";
import { breaks, dayText, type History, type Job, taskName } from "./history.ts";

/**
 * Metadata that Chronon's own jobs write. I5: a success is that of the conf its attempt was claimed
 * for, whose row a job wrote since. A release with another content is uploaded within hours. At rest
 * the newest day's task has ended, and what it says it did lies there, of the newest release.
 */
type Uploading = WantedStep & { readonly uploads: WantedUpload };

/** Takes over a row that a job wrote: to Landfall it is somebody else's. */
export function rowUploaded(
  { metadata }: History,
  { key, content, timestamp, jobId, at }: Extract<TraceEntry, { kind: "metadata-uploaded" }>,
): void {
  const uploads = metadata.uploads.get(key) ?? [];
  metadata.uploads.set(key, uploads);
  uploads.push({ jobId, content, at });
  const cells = metadata.rows.get(key) ?? { cell: null, own: null, touchedAt: 0 };
  metadata.rows.set(key, cells);
  if (cells.cell === null || cells.cell.timestamp <= timestamp) {
    cells.cell = { content, timestamp, isOurs: false };
  }
}

export function uploadClaimed({ metadata }: History, { conf }: Task, jobId: string): void {
  if (conf !== undefined) metadata.claimedFor.set(jobId, conf.slice(0, 12));
}

/** Clocks of two processes may be apart, and a commit takes its time. */
const claimSlackMs = 150_000;

/**
 * I5. Of two jobs of a step that wrote the same at the same time either stands for both: the row says
 * not whose it is.
 */
export function uploadSucceeded(history: History, task: Task, at: EpochMs): void {
  const { metadata, claims } = history;
  const run = task.runs.at(-1);
  const conf = metadata.claimedFor.get(run?.attempts.at(-1)?.jobId ?? "");
  const since = (claims.get(`${task.id} ${run?.run}`) ?? at) - claimSlackMs;
  const upload = wantedOf(history, task.step).find((one) => one.conf === conf);
  const rows = metadata.uploads.get(upload?.key ?? "") ?? [];
  if (rows.some(({ content, at: writtenAt }) => content === upload?.content && writtenAt >= since))
    return;
  const what = `${task.id} says succeeded, no job wrote the row of its conf since it was claimed`;
  breaks(history, { promise: "I5", at }, what);
}

/** What any release has the jobs of a step write. */
function wantedOf({ wanted }: History, id: StepId): WantedUpload[] {
  return wanted.flatMap(({ steps }) =>
    steps.flatMap(({ id: other, uploads }) =>
      other === id && uploads !== undefined ? [uploads] : [],
    ),
  );
}

export function uploadsAtRest(history: History, at: EpochMs): void {
  for (const step of uploadsOf(history.wanted.at(-1))) newestUploaded(history, step, at);
  const { decided, wanted, first } = history.metadata;
  decided.forEach(({ release, at: from }, nth) => {
    const until = decided[nth + 1]?.at ?? at;
    if (until - from < uploadedWithinMs) return;
    for (const step of uploadsOf(wanted.get(release) ?? first)) {
      uploadedAfter(history, step, { from, at });
    }
  });
}

function uploadsOf(wanted: Wanted | undefined): Uploading[] {
  return (wanted?.steps ?? []).flatMap((step) =>
    step.uploads === undefined ? [] : [{ ...step, uploads: step.uploads }],
  );
}

/** Trouble and limits may keep an upload from beginning for so long. */
export const uploadedWithinMs = 10 * 3_600_000;

/** The last job that began in the hours after a release is one for its conf. */
function uploadedAfter(
  history: History,
  { id, uploads }: Uploading,
  { from, at }: { readonly from: EpochMs; readonly at: EpochMs },
): void {
  const last = jobsOf(history, id).findLast(({ begunAt }) => begunAt < from + uploadedWithinMs);
  if (last !== undefined && history.metadata.claimedFor.get(last.jobId) === uploads.conf) return;
  if (isLeft(history, id)) return;
  const what = `${id} was not begun again for the release of ${new Date(from).toISOString()}`;
  breaks(history, { promise: "liveness", at }, what);
}

function jobsOf({ jobs }: History, id: StepId): Job[] {
  return [...jobs.values()].filter(({ task }) => taskName(task).step === id);
}

/** An operator cancelled a day of it: that is not taken up again. */
function isLeft({ tasks }: History, id: StepId): boolean {
  return [...tasks.values()].some(({ step, state }) => step === id && state.kind === "cancelled");
}

/** How long the first task of a day may take to be there. */
const dayBeginsMs = 6 * 3_600_000;

function newestUploaded(history: History, { id, uploads }: Uploading, at: EpochMs): void {
  const say = (what: string) => breaks(history, { promise: "liveness", at }, what);
  const newest = dayText(Math.floor((at - dayBeginsMs) / 86_400_000) - 1);
  const task = history.tasks.get(`${id}@${newest}`);
  if (task === undefined) return say(`${id}@${newest} was never begun`);
  if (task.state.kind !== "succeeded") return;
  const cell = history.metadata.rows.get(uploads.key)?.cell ?? null;
  if (cell?.content === uploads.content || isHalfWay(history, uploads.key)) return;
  say(
    `${task.id} succeeded, and the metadata of ${uploads.key} is ${cell?.content ?? "not there"}`,
  );
}

/** The row is of a job whose task has not succeeded: it may have failed half-way, whatever comes of the task. */
function isHalfWay({ metadata, jobs, tasks }: History, key: string): boolean {
  const last = metadata.uploads.get(key)?.at(-1);
  const writer = jobs.get(last?.jobId ?? "");
  return writer !== undefined && tasks.get(writer.task)?.state.kind !== "succeeded";
}
