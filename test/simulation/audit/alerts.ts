import type { AlertDocument, AlertKind, Told } from "../../../schemas/alerts.ts";
import type { EpochMs, TaskId } from "../../../schemas/ids.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { TraceEntry, WantedStep } from "../trace.ts";
import { breaks, type History, stepOf, stepsThatMayDecide } from "./history.ts";
import { lateAtRest } from "./late.ts";
import { mayBeUnderWay } from "./launches.ts";
import { alertsOfStreams, servedFromOldBatches } from "./stale.ts";

type Taken = Extract<TraceEntry, { kind: "told" }>;

/** A look may take so long from what it read to what it tells: it stands still, and goes on. */
const lookSlackMs = 2 * 3_600_000;
/** How long after its beat a look of a quiet world stores what it saw. */
const lookTakesMs = 60_000;
/** What is wrong for so long was told of, whatever was out and whoever died meanwhile. */
const toldWithinMs = 12 * 3_600_000;

export function alertStored(
  { alerts }: History,
  {
    key,
    body,
    at,
  }: { readonly key: string; readonly body: AlertDocument | null; readonly at: EpochMs },
): void {
  const known = alerts.documents.get(key) ?? { body: null, at, saidAt: new Map() };
  for (const [route, told] of Object.entries(body?.routes ?? {})) {
    const before = known.body?.routes[route];
    if (before?.change !== told.change || before.count !== told.count) known.saidAt.set(route, at);
  }
  alerts.documents.set(key, { body, at, saidAt: known.saidAt });
}

/** An alert is stored before it is told of, and is not told of again when that is stored. */
export function noticeTaken(
  history: History,
  { route, alert: key, change, count, at }: Taken,
): void {
  const { documents, notices } = history.alerts;
  const say = (what: string) => breaks(history, { promise: "alerts", at }, what);
  const stored = documents.get(key);
  const before = notices.get(`${route} ${key}`);
  const openAt = change === "closed" ? before?.openAt : at;
  // A notice of a tracker that stood still may come after one that told of more.
  const most = before === undefined || before.change === "closed" ? 0 : before.count;
  const heard = Math.max(count, most);
  notices.set(`${route} ${key}`, { change, count: heard, at, openAt: openAt ?? 0 });
  if (stored === undefined) return say(`${route} is told of ${key}, which was not stored`);
  const isLate = (since: EpochMs) => at - since > lookSlackMs;
  if (stored.body === null) {
    if (isLate(stored.at)) say(`${route} is told of ${key}, which is over`);
    return;
  }
  const told = stored.body.routes[route];
  if (told === undefined || !isLate(stored.saidAt.get(route) ?? at)) return;
  if (isRepeated(told, { change, count })) say(`${route} is told again of ${key}: ${change}`);
}

function isRepeated(told: Told, { change, count }: Pick<Taken, "change" | "count">): boolean {
  const isOpen = told.change === "opened" || told.change === "updated";
  if (change === "opened") return isOpen;
  return change === "closed" ? told.change === "closed" : !isOpen || count < 2 * told.count;
}

/** Whoever is to be told of a task that fails for good has been, once it has failed long enough. */
export function failingStored(
  history: History,
  {
    task,
    before,
    at,
  }: { readonly task: Task; readonly before: Task | undefined; readonly at: EpochMs },
): void {
  const { failing } = history.alerts;
  if (task.state.kind === "failed") {
    if (before?.state.kind !== "failed") failing.set(task.id, at);
    return;
  }
  const since = failing.get(task.id);
  failing.delete(task.id);
  if (since === undefined || before?.state.kind !== "failed" || at - since < toldWithinMs) return;
  const steps = stepsThatMayDecide(history, task.step, at);
  if (steps.length === 0 || steps.some(({ latestOnly }) => latestOnly)) return;
  for (const route of history.watching?.routes[task.team] ?? []) {
    if (isToldOf(history, { route, task: before, since })) continue;
    const what = `${route} was never told of ${task.id}, which had failed ${new Date(since).toISOString()}`;
    breaks(history, { promise: "alerts", at }, what);
  }
}

interface Failing {
  readonly route: string;
  readonly task: Task;
  readonly since: EpochMs;
}

/**
 * A route knows of it; or it did, and then heard that it was over, as when a release takes its step away:
 * it was told since, or its alert stayed open for longer than a look takes.
 */
function isToldOf({ alerts }: History, { route, task, since }: Failing): boolean {
  const prefix = `${route} ${kindOf(task)}:${task.team}:`;
  return [...alerts.notices].some(
    ([name, notice]) =>
      name.startsWith(prefix) &&
      (notice.change !== "closed" || notice.openAt >= since || notice.at - since > lookSlackMs),
  );
}

function kindOf({ state }: Task): AlertKind {
  const isEmpty = state.kind === "failed" && state.reason.startsWith("exit 0, nothing written");
  return isEmpty ? "nothing-written" : "step-failed";
}

/** What is wrong at last is stored and told of, and nothing else is. */
export function alertsAtRest(history: History, at: EpochMs): void {
  const { watching, alerts } = history;
  if (watching === null) return;
  const say = (what: string) => breaks(history, { promise: "alerts", at }, what);
  const open: AlertDocument[] = [];
  // What is over is closed and told of by one look, and deleted by the next.
  const nextLookMs = watching.alerts.lookMs + lookTakesMs;
  for (const [key, { body, at: storedAt }] of alerts.documents) {
    if (body?.state === "closed" && at - storedAt > nextLookMs) {
      say(`${key} is over, and is still there`);
    }
    if (body?.state === "open") open.push(body);
  }
  toldAtRest(history, open, say);
  failuresAtRest(history, { open, at }, say);
  lateAtRest(history, { open, at, say });
  const counted = (kind: AlertKind) =>
    open.filter((one) => one.kind === kind).reduce((all, { count }) => all + count, 0);
  for (const kind of streamKinds) {
    const wrong = alertsOfStreams(history, kind);
    if (counted(kind) === wrong.length) continue;
    say(`${counted(kind)} are ${kind}, and should be ${wrong.length}: ${wrong.join(", ")}`);
  }
  // At rest metadata is as it is wanted, which others look at.
  if (counted("metadata-stale") > 0) say("metadata is not kept up, and should be");
  const { sure, possible } = servedFromOldBatches(history, at);
  const stale = counted("serving-stale");
  if (stale < sure.length || stale > possible.length) {
    say(`${stale} are served from old batches, and should be ${possible.join(", ") || "none"}`);
  }
}

const streamKinds = [
  "stream-down",
  "stream-flapping",
  "stream-duplicated",
  "stream-state-lost",
] as const;

type Say = (what: string) => void;

function toldAtRest({ watching, alerts }: History, open: readonly AlertDocument[], say: Say): void {
  const wanted = new Set<string>();
  for (const { key, team, count } of open) {
    for (const route of watching?.routes[team] ?? ["pager"]) {
      wanted.add(`${route} ${key}`);
      const notice = alerts.notices.get(`${route} ${key}`);
      if (notice === undefined || notice.change === "closed")
        say(`${route} knows nothing of ${key}`);
      else if (count >= 2 * notice.count)
        say(`${route} knows of ${notice.count} in ${key}, not of ${count}`);
    }
  }
  for (const [name, { change }] of alerts.notices) {
    if (change !== "closed" && !wanted.has(name)) say(`${name} is still open there`);
  }
}

/** Tasks that alerts name, the first of them; one that is about more names not all. */
const namedMax = 20;

function failuresAtRest(
  history: History,
  { open, at }: { readonly open: readonly AlertDocument[]; readonly at: EpochMs },
  say: Say,
): void {
  const failing = new Map(
    [...history.tasks.values()]
      .filter((task) => isTrouble(history, task))
      .map((task) => [task.id, task]),
  );
  for (const task of failing.values()) {
    const kind = kindOf(task);
    const isKnown = open.some(
      (one) =>
        one.kind === kind &&
        one.team === task.team &&
        (one.tasks.includes(task.id) || one.count > namedMax),
    );
    if (!isKnown && !mayBeUnderWay(history, task.id, at))
      say(`no alert is open of ${task.id}, ${kind}`);
  }
  for (const { key, kind, tasks } of open) {
    if (kind !== "step-failed" && kind !== "nothing-written") continue;
    if (tasks.some((id) => isUnsettled(history, id))) continue;
    const recovered = tasks.filter(
      (id) => failing.get(id) === undefined && !isOverOnlyNow(history, id, at),
    );
    if (recovered.length > 0) say(`${key} is open, and ${recovered.join(", ")} did not fail`);
  }
}

/**
 * Whether what made a failure nobody's trouble is so young that its alert may still wait for that to last: the
 * task ended otherwise, or a newer day of its step was done.
 */
function isOverOnlyNow({ tasks, watching }: History, id: TaskId, at: EpochMs): boolean {
  if (watching === null) return false;
  const { quietMs, lookMs } = watching.alerts;
  const since = at - quietMs - 2 * lookMs - lookTakesMs;
  const known = tasks.get(id);
  return [...tasks.values()].some(
    ({ id: other, step, end, state }) =>
      known !== undefined &&
      step === known.step &&
      (other === id || (state.kind === "succeeded" && end > known.end)) &&
      "at" in state &&
      state.at > since,
  );
}

const settled = new Set(["succeeded", "failed", "cancelled", "skipped"]);

/** A task that is tried again is a trouble until it has ended. */
function isUnsettled({ tasks }: History, id: TaskId): boolean {
  const kind = tasks.get(id)?.state.kind;
  return kind !== undefined && !settled.has(kind);
}

/** It failed for good, its step is in the plan, and no newer day stands for it. */
function isTrouble(history: History, { id, step: of, end, state }: Task): boolean {
  if (state.kind !== "failed" || history.wanted.at(-1)?.steps.every((step) => step.id !== of))
    return false;
  const step: WantedStep | undefined = stepOf(history, of);
  if (step?.latestOnly !== true) return true;
  return ![...history.tasks.values()].some(
    (other) =>
      other.step === of && other.id !== id && other.state.kind === "succeeded" && other.end > end,
  );
}
