import type { EpochMs } from "../../../schemas/ids.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { TraceEntry, WantedStep } from "../trace.ts";
import { alertsAtRest } from "./alerts.ts";
import {
  breaks,
  dayNumber,
  daysFrom,
  dayText,
  type History,
  knownLanding,
  neededDays,
  taskName,
  touchesOf,
} from "./history.ts";
import { couldRun, mayBeUnderWay, unmet } from "./launches.ts";
import { metadataAtRest } from "./metadata.ts";
import { uploadsAtRest } from "./metadata-jobs.ts";
import { streamAtRest } from "./streams.ts";

/** Liveness, I4 and I8: how everything stands when it had two days to come to rest. */
export function atRest(history: History, ended: Extract<TraceEntry, { kind: "ended" }>): void {
  const { at } = ended;
  const say = (what: string) => breaks(history, { promise: "liveness", at }, what);
  for (const { task } of history.running) {
    if (!mayBeUnderWay(history, task, at)) say(`the job of ${task} still runs`);
  }
  if (ended.unacked > 0) say(`${ended.unacked} events were never acked`);
  for (const reason of ended.deadLetters) say(`an event was put aside: ${reason}`);
  for (const task of history.tasks.values()) taskAtRest(history, task, at);
  for (const [pool, holders] of history.pools) poolAtRest(history, { pool, holders, at });
  for (const [id, { writers }] of history.landings) {
    for (const writer of Object.keys(writers)) say(`${writer} is still a writer in ${id}`);
  }
  landingsAtRest(history, at);
  commandsAtRest(history, at);
  for (const step of history.wanted.at(-1)?.steps ?? []) forgotten(history, step, at);
  for (const stream of history.wanted.at(-1)?.streams ?? []) streamAtRest(history, stream, at);
  metadataAtRest(history, at);
  uploadsAtRest(history, at);
  alertsAtRest(history, at);
}

function taskAtRest(history: History, task: Task, at: EpochMs): void {
  const say = (what: string) => breaks(history, { promise: "liveness", at }, what);
  const { kind } = task.state;
  const step = history.wanted.at(-1)?.steps.find(({ id }) => id === task.step);
  if (["launching", "running", "cancelling", "retrying", "ready", "covered"].includes(kind)) {
    if (mayBeUnderWay(history, task.id, at)) return;
    return say(`${task.id} is still ${kind}: ${task.why}`);
  }
  if (step === undefined) {
    if (kind === "waiting") say(`${task.id} waits, but its step has left the plan`);
    return;
  }
  const isDue = couldRun(history, task.id, at) && !mayBeUnderWay(history, task.id, at);
  if (kind === "waiting" && isDue) {
    say(`${task.id} waits although nothing is missing: ${task.why}`);
  }
  if (kind === "skipped" && !history.skippedRightly.has(task.id)) {
    say(`${task.id} was skipped: ${task.why}`);
  }
  const isFinal = !step.latestOnly || isNewest(history, task);
  if (kind === "succeeded" && step.scheduled && step.effect !== "fills" && isFinal)
    reflected(history, step, task, at);
}

/** Of a latest-only step only the newest day has to follow what lands again. */
function isNewest(history: History, task: Task): boolean {
  return ![...history.tasks.values()].some(
    ({ step, start }) => step === task.step && start > task.start,
  );
}

/** I4: the last job that wrote it began after everything it reads was as it is. */
function reflected(history: History, step: WantedStep, ...[task, at]: [Task, EpochMs]): void {
  if (unmet(history, step, { task, at }).length > 0) return;
  const { start, end } = taskName(task.id);
  const { output } = step;
  if (step.publishes === true) return newestPublished(history, step, { task, at });
  if (output === null) return;
  for (const out of daysFrom(dayNumber(start), dayNumber(end))) {
    const writer = touchesOf(history, output, out).findLast(({ jobId }) => jobId !== null);
    const job = writer?.jobId == null ? undefined : history.jobs.get(writer.jobId);
    if (job === undefined) continue;
    for (const input of step.inputs) {
      const { first, last } = neededDays(input, { start: out, end: out });
      if (first === null) continue;
      for (const day of daysFrom(first, last)) {
        const touch = touchesOf(history, input.table, day).at(-1);
        if (touch?.there === true && touch.at > job.begunAt) {
          breaks(
            history,
            { promise: "I4", at },
            `${task.id} was last done before ${input.table}@${day} landed at ${new Date(touch.at).toISOString()}`,
          );
        }
      }
    }
  }
}

/** I4: what was published was read after its input was last written. */
function newestPublished(
  history: History,
  step: WantedStep,
  { task, at }: { readonly task: Task; readonly at: EpochMs },
): void {
  const published = history.published.get(`${step.config}@${task.end}`) ?? 0;
  const touch = touchesOf(history, step.inputs[0]?.table ?? "", task.end).at(-1);
  if (touch?.there !== true || touch.at <= published) return;
  const what = `${task.id} was last published before its input landed at ${new Date(touch.at).toISOString()}`;
  breaks(history, { promise: "I4", at }, what);
}

function poolAtRest(
  history: History,
  { pool, holders, at }: { pool: string; holders: Readonly<Record<string, string>>; at: EpochMs },
): void {
  for (const holder of Object.keys(holders)) {
    const kind = history.tasks.get(holder)?.state.kind ?? "unknown";
    const passedOn = pool.startsWith("table:") && kind === "succeeded" && !kvEnded(history, holder);
    if (!passedOn && !mayBeUnderWay(history, holder, at))
      breaks(history, { promise: "I6", at }, `${holder}, ${kind}, still holds a slot of ${pool}`);
  }
}

/** Whether upload-to-kv of the same day has ended, which frees its upload's table. */
function kvEnded(history: History, upload: string): boolean {
  const kind = history.tasks.get(upload.replace("/upload@", "/upload-to-kv@"))?.state.kind;
  return kind !== undefined && ["succeeded", "failed", "cancelled", "skipped"].includes(kind);
}

/** I8: whatever order facts came in, what is known of external tables is what is there. */
function landingsAtRest(history: History, at: EpochMs): void {
  for (const table of history.wanted.at(-1)?.tables ?? []) {
    for (const [day, touches] of history.touches.get(table.name) ?? []) {
      const truth = touches.at(-1);
      const known = knownLanding(history, table.name, day);
      if (truth === undefined || isUnpartitioned(history, table.writer)) continue;
      if (!truth.there) {
        if (known?.state === "landed") {
          breaks(
            history,
            { promise: "I8", at },
            `${table.name}@${day} is gone, what is stored says landed`,
          );
        }
        continue;
      }
      if (known?.state === "landed" && known.version.n === truth.n) continue;
      const stored =
        known === null ? "nothing" : `${known.state} at ${known.version.epoch}.${known.version.n}`;
      breaks(
        history,
        { promise: "I8", at },
        `${table.name}@${day} is at commit ${truth.n}, what is stored says ${stored}`,
      );
    }
  }
}

/** Every command an operator gave was answered, and every task it asked for is there. */
function commandsAtRest(history: History, at: EpochMs): void {
  for (const id of history.commanded) {
    const outcome = history.commands.get(id)?.outcome;
    if (outcome === undefined) {
      breaks(history, { promise: "liveness", at }, `${id} was never answered`);
      continue;
    }
    for (const task of outcome.kind === "accepted" ? outcome.tasks : []) {
      if (history.tasks.has(task)) continue;
      breaks(history, { promise: "liveness", at }, `${id} asked for ${task}, which never was`);
    }
  }
}

function isUnpartitioned(history: History, writer: string | null): boolean {
  const step = history.wanted.at(-1)?.steps.find(({ id }) => id === writer);
  return step?.effect === "rewrites-table";
}

/** Days a scheduled step should have done: its input landed while Landfall looked and knew the step. */
function forgotten(history: History, step: WantedStep, at: EpochMs): void {
  if (!step.scheduled) return;
  const [input] = step.inputs;
  if (input === undefined) return;
  const days = [...(history.touches.get(input.table) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [day, touches] of step.latestOnly ? days.slice(-1) : days) {
    const out = dayText(dayNumber(day) + input.endDays);
    const id = `${step.id}@${out}`;
    const [first] = touches;
    const looked = history.firstLooks.get(input.table) ?? Number.POSITIVE_INFINITY;
    const known = first?.jobId === null ? looked : 0;
    const isLive =
      first !== undefined && first.at > Math.max(known, history.since.get(step.id) ?? 0);
    if (!isLive || history.tasks.has(id)) continue;
    if (couldRun(history, id, at))
      breaks(history, { promise: "liveness", at }, `${id} was never begun, and nothing is missing`);
  }
}
