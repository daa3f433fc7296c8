import type { AlertDocument } from "../../../schemas/alerts.ts";
import type { EpochMs, TableName } from "../../../schemas/ids.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { WantedStep } from "../trace.ts";
import { dayText, endOf, type History, knownLanding, neededDays, tableOf } from "./history.ts";
import { isClosed } from "./launches.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** A look comes so long after what it looks for, and some may miss it. */
const lookedForMs = 12 * hourMs;

interface Rest {
  readonly open: readonly AlertDocument[];
  readonly at: EpochMs;
  readonly say: (what: string) => void;
}

/** No alert is open of a day that is there; one is of each that tasks wait for and that never landed. */
export function lateAtRest(history: History, { open, at, say }: Rest): void {
  const late = open.filter(({ kind }) => kind === "dependency-late");
  for (const { key, awaited = [] } of late) {
    for (const { table, partition: day } of awaited) {
      const landing = knownLanding(history, table, day);
      const closing = tableOf(history, table)?.closing;
      if (landing?.state !== "landed" || closing === undefined) continue;
      if (isClosed(history, closing, { table, day, landing, at })) {
        say(`${key} is open, and ${table}@${day} is there`);
      }
    }
  }
  const isNamed = (team: string, { table, day }: MissingDay) =>
    late.some(
      (alert) =>
        alert.team === team &&
        alert.awaited?.some((one) => one.table === table && one.partition === day),
    );
  for (const task of history.tasks.values()) {
    for (const missing of missingFor(history, task, at)) {
      if (isNamed(task.team, missing)) continue;
      say(`no alert is open of ${missing.table}@${missing.day}, which ${task.id} waits for`);
    }
  }
}

interface MissingDay {
  readonly table: TableName;
  readonly day: string;
}

/** Days that never landed and that a task waits for by itself, which some look saw when they were due. */
function missingFor(history: History, task: Task, at: EpochMs): MissingDay[] {
  const step = history.wanted.at(-1)?.steps.find(({ id }) => id === task.step);
  if (task.state.kind !== "waiting" || step === undefined || !waitsByItself(task, step)) return [];
  const { alerts } = history.watching ?? {};
  return step.inputs.flatMap((input) => {
    const { table } = input;
    const hours = alerts?.late.tables[table] ?? null;
    const day = dayText(neededDays(input, task).last);
    const isExternal = tableOf(history, table)?.writer === null;
    if (hours === null || !isExternal || knownLanding(history, table, day) !== null) return [];
    const dueAt = endOf(task.end) + hours * hourMs;
    const seenFrom = history.since.get(step.id) ?? history.startedAt;
    // Of readers of one day the one that waits longest counts: by a day, for windows end a day apart.
    const forgottenAt = dueAt - dayMs + (alerts?.forgetDays ?? 0) * dayMs;
    if (dueAt < seenFrom || dueAt + lookedForMs > at || forgottenAt < at) return [];
    return [{ table, day }];
  });
}

function waitsByItself(task: Task, step: WantedStep): boolean {
  const isEvery = !step.latestOnly || step.readByOthers;
  return step.scheduled && isEvery && task.requestedBy.length === 0 && task.start === task.end;
}
