import {
  type EpochMs,
  type Partition,
  type StepId,
  type TableName,
  taskId,
} from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { type Closedness, closedness, closingOf } from "../closing.ts";
import { addDays, dayMs, daysIn, hourMs, partitionAt, partitionEndMs } from "../dates.ts";
import type { View } from "../draft.ts";
import { landingOf, landingsIds } from "../landings.ts";
import { own } from "../own.ts";
import { inputRange, outputRange } from "../partitions.ts";
import type { PlanIndex } from "../plan-index.ts";
import { single } from "../readiness.ts";
import { STATUS } from "../status.ts";
import { isReadElsewhere } from "../supersede.ts";
import {
  type Expectation,
  type Expecting,
  type Held,
  newestDue,
  type Waiter,
} from "./expectation.ts";

/** A day of a table that a team's tasks should have by now. */
interface Wanted {
  readonly team: string;
  readonly table: TableName;
  readonly partition: Partition;
  readonly dueAt: EpochMs;
  readonly allowed: Allowed;
  /** An alert is open for it. */
  readonly held: boolean;
}

interface Allowed {
  readonly hours: number;
  /** The settings name the table: it is expected whatever it did so far. */
  readonly named: boolean;
}

/**
 * External tables, each once per team that reads it: at the latest partition a due day reads, and at
 * those an alert is open for, however many days came since, until `forgetDays` have passed.
 */
export function landedInTime(
  expecting: Expecting,
  scheduled: readonly PlanStep[],
): readonly Expectation[] {
  const wanted = new Map<string, Wanted>();
  for (const one of scheduled.flatMap((step) => newestWanted(expecting, step))) {
    const name = `${one.team} ${one.table}`;
    const known = wanted.get(name);
    if (known === undefined || known.partition < one.partition) wanted.set(name, one);
  }
  const days = [
    ...wanted.values(),
    ...expecting.held.flatMap((held) => heldWanted(expecting, held)),
  ];
  // A day that is both newest and held comes last as held.
  const byDay = new Map(days.map((day) => [`${day.team} ${day.table}@${day.partition}`, day]));
  return [...byDay.values()].map((day) => lands(expecting, day));
}

function newestWanted(expecting: Expecting, step: PlanStep): Wanted[] {
  const { plan, now } = expecting;
  return step.inputs.flatMap((input) => {
    const { table } = input;
    const allowed = plan.producerOf(table) === undefined ? allowedFor(expecting, table) : null;
    if (allowed === null) return [];
    const day = newestDue(now, allowed.hours);
    if (step.from !== undefined && day < step.from) return [];
    const partition = inputRange(single(day), input)?.end;
    if (partition === undefined) return [];
    const dueAt = partitionEndMs(day) + allowed.hours * hourMs;
    return [{ team: step.team, table, partition, dueAt, allowed, held: false }];
  });
}

function heldWanted(expecting: Expecting, { team, table, partition }: Held): Wanted[] {
  const { plan, settings, now } = expecting;
  const allowed = plan.producerOf(table) === undefined ? allowedFor(expecting, table) : null;
  const [first] = readersOf(plan, { team, table, partition })
    .map(({ day }) => day)
    .toSorted();
  if (allowed === null || first === undefined) return [];
  const dueAt = partitionEndMs(first) + allowed.hours * hourMs;
  if (now - dueAt > settings.forgetDays * dayMs) return [];
  return [{ team, table, partition, dueAt, allowed, held: true }];
}

/**
 * How long a table may take; null: as long as it wants. What is said of all tables gives each the
 * time that its closing takes at the least: one that closes with the next day has a day more.
 */
function allowedFor({ settings, closing }: Expecting, table: TableName): Allowed | null {
  const named = own(settings.late.tables, table);
  if (named !== undefined) return named === null ? null : { hours: named, named: true };
  const { hours } = settings.late;
  if (hours === null) return null;
  const closes = closingOf(closing, { name: table, external: true });
  if (closes.when === "next") return { hours: hours + 24, named: false };
  const least = closes.when === "at-end" ? (closes.delayMs + closes.settleMs) / hourMs : 0;
  return { hours: Math.max(hours, least), named: false };
}

interface DayReader {
  readonly step: PlanStep;
  /** The one of its days whose last input the partition is. */
  readonly day: Partition;
}

function readersOf(
  plan: PlanIndex,
  { team, table, partition }: Pick<Wanted, "team" | "table" | "partition">,
): readonly DayReader[] {
  const readers = new Map<StepId, DayReader>();
  for (const { step, input } of plan.readersOf(table)) {
    if (step.schedule === null || step.team !== team) continue;
    const day = outputRange(single(partition), input)?.start;
    if (day === undefined || (step.from !== undefined && day < step.from)) continue;
    readers.set(step.id, { step, day });
  }
  return [...readers.values()];
}

/** So long ago a table must have landed to be expected, unless it is named: none of its days are without. */
const weekDays = 7;

function lands(expecting: Expecting, wanted: Wanted): Expectation {
  const { team, table, partition, dueAt, allowed, held } = wanted;
  const readers = readersOf(expecting.plan, wanted);
  const weekBefore = addDays(partition, -weekDays);
  const isExpected = (view: View) =>
    held || allowed.named || landingOf(view, table, weekBefore)?.state === "landed";
  const range = { start: weekBefore, end: addDays(partition, 1) };
  return {
    key: `dependency-late ${team} ${table}@${partition}`,
    documents: landingsIds(table, range),
    met: (view) => !isExpected(view) || isThere(expecting, wanted, view)?.kind === "closed",
    waiters: readers.map((reader) => waiterOf(expecting, reader)),
    signal: (view) => ({
      kind: "dependency-late",
      team,
      subject: table,
      cause: "",
      line: `${table}@${partition}: ${saidOf(isThere(expecting, wanted, view))} ${allowed.hours} h after the day it is for; read by ${some(readers.map(({ step }) => step.id))}`,
      since: dueAt,
      awaited: { table, partition },
    }),
  };
}

/** What readers see of it; null: it is not there, or gone. */
function isThere(
  { closing, now }: Expecting,
  { table, partition }: Wanted,
  view: View,
): Closedness | null {
  const landing = landingOf(view, table, partition);
  if (landing?.state !== "landed") return null;
  return closedness({
    closing: closingOf(closing, { name: table, external: true }),
    partition,
    landing,
    nextHasData: () => landingOf(view, table, addDays(partition, 1))?.state === "landed",
    now,
  });
}

function saidOf(there: Closedness | null): string {
  return there?.kind === "open" ? `open (${there.because})` : "not there";
}

/** A task waits unless it ended, or is one of which only the newest day counts and a newer one is done. */
function waiterOf(expecting: Expecting, { step, day }: DayReader): Waiter {
  const stateOf = (of: Partition) => (view: View) =>
    view.get(`tasks/${taskId(step.id, single(of))}`)?.state.kind;
  const newestCounts = step.strategy === "latest-only" && !isReadElsewhere(expecting, step);
  const newer = newestCounts
    ? daysIn({ start: addDays(day, 1), end: partitionAt(expecting.now) })
    : [];
  return {
    documents: [day, ...newer].map((of) => `tasks/${taskId(step.id, single(of))}` as const),
    waits(view) {
      const kind = stateOf(day)(view);
      if (kind !== undefined && STATUS[kind].terminal) return false;
      return !newer.some((of) => stateOf(of)(view) === "succeeded");
    },
  };
}

const namedMax = 3;

function some(names: readonly string[]): string {
  const more = names.length - namedMax;
  return `${names.slice(0, namedMax).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
