import type { AlertSettings } from "../../schemas/alert-settings.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { sha256Hex } from "../hash.ts";
import { KINDS } from "./kinds.ts";
import type { Signal } from "./signals.ts";

/** An alert that should be open. */
export type Wanted = Pick<
  AlertDocument,
  "key" | "kind" | "team" | "priority" | "summary" | "details" | "count" | "tasks" | "awaited"
> & { readonly since: EpochMs };

/** With more subjects than this in one cause, it is the cause that people are called for. */
const subjectsMax = 3;
const detailsMax = 5;
const tasksMax = 20;
/** Days of tables, the oldest first: the newest are looked at whether an alert names them or not. */
const awaitedMax = 1_000;

interface Group {
  readonly key: string;
  readonly subject: string | null;
  readonly signals: readonly Signal[];
}

/**
 * What is wrong, as few alerts: one per cause of a team. Of a cause with few subjects each has an
 * alert of its own; with more than three they are one. An alert that is open goes on as it is: what
 * is already told of stays where it was told.
 */
export function alertsFor(
  signals: readonly Signal[],
  { settings, isOpen }: Grouping,
): readonly Wanted[] {
  const byCause = grouped(signals, ({ kind, team, cause }) => `${kind} ${team} ${cause}`);
  return [...byCause.values()]
    .flatMap((same) => groupsOf(same, isOpen))
    .map((group) => wanted(group, settings))
    .toSorted(
      (a, b) => compare(a.priority, b.priority) || a.since - b.since || compare(a.key, b.key),
    );
}

export interface Grouping {
  readonly settings: AlertSettings;
  readonly isOpen: (key: string) => boolean;
}

function groupsOf(same: readonly Signal[], isOpen: (key: string) => boolean): Group[] {
  const bySubject = grouped(same, ({ subject }) => subject ?? "");
  const shared: Signal[] = [];
  const own: Group[] = [];
  for (const signals of bySubject.values()) {
    const group = groupOf(signals, signals[0]?.subject ?? null);
    if (group.subject === null) shared.push(...signals);
    else own.push(group);
  }
  const fresh = own.filter(({ key }) => !isOpen(key));
  const isShared =
    fresh.length > subjectsMax ||
    shared.length > 0 ||
    (fresh.length > 0 && isOpen(groupOf(same, null).key));
  if (!isShared) return own;
  const rest = [...shared, ...fresh.flatMap(({ signals }) => signals)];
  return [...own.filter(({ key }) => isOpen(key)), groupOf(rest, null)].filter(
    ({ signals }) => signals.length > 0,
  );
}

/** The key is what on-call tools know the alert by; kind and team can be read from it. */
function groupOf(signals: readonly Signal[], subject: string | null): Group {
  const [first] = signals;
  const name = sha256Hex(JSON.stringify([subject, first?.cause])).slice(0, 16);
  return { key: `${first?.kind}:${first?.team.slice(0, 60)}:${name}`, subject, signals };
}

function wanted({ key, subject, signals }: Group, settings: AlertSettings): Wanted {
  const sorted = signals.toSorted((a, b) => a.since - b.since || compare(a.line, b.line));
  const [first] = sorted;
  if (first === undefined) throw new Error(`alert ${key} is about nothing`);
  const { kind, team } = first;
  const { counted, said, priority } = KINDS[kind];
  const count = sorted.length;
  const whose = subject ?? team;
  const summary =
    count === 1
      ? `${counted[0]} ${said}: ${first.line}`
      : `${count} ${counted[1]} of ${whose} ${said}: ${first.cause === "" ? `first ${first.line}` : first.cause}`;
  const more = count - detailsMax;
  const days = sorted.flatMap(({ awaited }) => awaited ?? []).slice(0, awaitedMax);
  return {
    key,
    kind,
    team,
    priority: settings.priorities[kind] ?? priority,
    summary: summary.slice(0, summaryMax),
    details: [
      ...sorted
        .slice(0, detailsMax)
        .map(({ line, log }) => (log === undefined ? line : `${line} (${log})`)),
      ...(more > 0 ? [`and ${more} more`] : []),
    ],
    count,
    tasks: sorted.flatMap(({ task }) => (task === undefined ? [] : [task])).slice(0, tasksMax),
    ...(days.length === 0 ? {} : { awaited: days }),
    since: first.since,
  };
}

const summaryMax = 400;

function grouped(
  signals: readonly Signal[],
  name: (signal: Signal) => string,
): ReadonlyMap<string, readonly Signal[]> {
  const groups = new Map<string, Signal[]>();
  for (const signal of signals) {
    const group = groups.get(name(signal));
    if (group === undefined) groups.set(name(signal), [signal]);
    else group.push(signal);
  }
  return groups;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
