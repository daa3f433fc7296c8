import type { JobSpec } from "../../ports/job-runner.ts";
import type { EpochMs, TaskId } from "../../schemas/ids.ts";
import { parseTaskId, taskId } from "../../schemas/ids.ts";
import { readTrace, type Trace } from "../../schemas/trace.ts";

/** Labels of a Dataproc resource, by key. */
export type Labels = Readonly<Record<string, string>>;

/** What a job's labels say it is. */
export interface LabelledJob {
  readonly task: TaskId;
  readonly run: number;
  readonly attempt: number;
  readonly timeoutMs: number;
  /** Ten minutes of its submission, for listing: `slotOf`. */
  readonly slot: string;
  readonly trace?: Trace;
}

/**
 * A label as Chronon's own submitter writes it (`DataprocUtils.formatDataprocLabel`): the last 63
 * characters count, and what neither letter nor digit is at an end goes. Two long names may meet
 * in one label, so nothing is found by it.
 */
export function chrononLabel(text: string): string {
  return text
    .replaceAll(/[^a-zA-Z0-9_-]/g, "_")
    .toLowerCase()
    .slice(-63)
    .replace(/^[^a-z0-9]+/, "")
    .replace(/[^a-z0-9]+$/, "");
}

/**
 * Labels of a job: the three of Chronon's submitter, and those from which any process knows which
 * attempt of which task it is. The step's name is written exactly, in as many labels as it takes,
 * because label values have no capitals and no dots. Null when it is too long for 32 labels.
 */
export function jobLabels(
  spec: JobSpec,
  more: {
    readonly deployment: string;
    readonly jobType: "spark" | "flink";
    readonly version: string;
    readonly now: EpochMs;
  },
): Labels | null {
  const { step, range } = parseTaskId(spec.task);
  const labels: Record<string, string> = {
    "job-type": more.jobType,
    "metadata-name": chrononLabel(spec.config),
    "zipline-version": chrononLabel(more.version),
    "landfall-deployment": deploymentLabel(more.deployment),
    "landfall-mode": spec.mode,
    "landfall-start": range.start,
    "landfall-end": range.end,
    "landfall-run": String(spec.run),
    "landfall-attempt": String(spec.attempt),
    "landfall-timeout-ms": String(spec.timeoutMs),
    ...whenLabels(more.now),
  };
  for (const [index, part] of parts(escaped(step)).entries()) labels[stepKey(index)] = part;
  if (Object.keys(labels).length > labelsMax) return null;
  // For bills and logs only: no job is refused for want of room for them.
  addIfRoom(labels, "landfall-user", chrononLabel(spec.execution.user ?? ""));
  addIfRoom(labels, traceLabel, spec.trace ?? "");
  return labels;
}

function addIfRoom(labels: Record<string, string>, key: string, value: string): void {
  if (value !== "" && Object.keys(labels).length < labelsMax) labels[key] = value;
}

/** The most labels that a resource of Google Cloud may have. */
const labelsMax = 32;
const traceLabel = "landfall-trace";

/** The labels that ended jobs are listed by. */
export function whenLabels(at: EpochMs): Labels {
  const slot = slotOf(at);
  return { "landfall-day": dayOfSlot(slot), "landfall-slot": slot };
}

/** A deployment's name as a label, exact like a step's. */
export function deploymentLabel(deployment: string): string {
  return escaped(deployment).slice(0, 63);
}

/** What labels say; null when they are not those of a job of ours. */
export function readLabels(labels: Labels): LabelledJob | null {
  const step = unescaped(stepParts(labels).join(""));
  const { "landfall-start": start, "landfall-end": end, "landfall-slot": slot } = labels;
  const run = Number(labels["landfall-run"]);
  const attempt = Number(labels["landfall-attempt"]);
  const timeoutMs = Number(labels["landfall-timeout-ms"]);
  if (step === "" || start === undefined || end === undefined || slot === undefined) return null;
  if (![run, attempt, timeoutMs].every(Number.isSafeInteger)) return null;
  const trace = readTrace(labels[traceLabel]);
  return {
    task: taskId(step, { start, end }),
    run,
    attempt,
    timeoutMs,
    slot,
    ...(trace === undefined ? {} : { trace }),
  };
}

/** Whether a job that is there already is this very attempt. */
export function isOfAttempt(labels: Labels, spec: JobSpec): boolean {
  const of = readLabels(labels);
  return of?.task === spec.task && of.run === spec.run && of.attempt === spec.attempt;
}

const slotMs = 600_000;

/**
 * The ten minutes a moment lies in, as a label. Ended jobs are listed by the slot they were
 * submitted in: ListJobs filters by equal labels only, and promises no order to stop early by.
 */
export function slotOf(at: EpochMs): string {
  const text = new Date(Math.floor(at / slotMs) * slotMs).toISOString();
  return `${text.slice(0, 10)}t${text.slice(11, 16).replace(":", "-")}`;
}

/** When a slot begins and ends. */
export function slotRange(slot: string): { readonly from: EpochMs; readonly to: EpochMs } {
  const [day = "", time = ""] = slot.split("t");
  const from = Date.parse(`${day}T${time.replace("-", ":")}:00Z`);
  return { from, to: from + slotMs };
}

/** The day a slot lies in. */
export function dayOfSlot(slot: string): string {
  return slot.slice(0, 10);
}

function stepKey(index: number): string {
  return index === 0 ? "landfall-step" : `landfall-step-${index}`;
}

function stepParts(labels: Labels): string[] {
  const found: string[] = [];
  for (let part = labels[stepKey(0)]; part !== undefined; part = labels[stepKey(found.length)]) {
    found.push(part);
  }
  return found;
}

/** Bytes that labels may not hold, and `-`, as `-` and two hexadecimal digits. */
function escaped(text: string): string {
  return [...Buffer.from(text, "utf8")]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9_]/.test(character) ? character : `-${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

function unescaped(text: string): string {
  const bytes = text.match(/-[0-9a-f]{2}|[^-]/g) ?? [];
  return Buffer.from(
    bytes.map((part) =>
      part[0] === "-" ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0),
    ),
  ).toString("utf8");
}

/** Parts of at most 63 characters, none of which breaks an escaped byte. */
function parts(text: string): string[] {
  const found: string[] = [];
  let part = "";
  for (const token of text.match(/-[0-9a-f]{2}|[^-]/g) ?? []) {
    if (part.length + token.length > 63) {
      found.push(part);
      part = "";
    }
    part += token;
  }
  return part === "" ? found : [...found, part];
}
