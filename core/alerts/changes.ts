import type { AlertDocument, AlertKind, Told } from "../../schemas/alerts.ts";
import type { EpochMs, TaskId } from "../../schemas/ids.ts";
import { stableJson } from "../hash.ts";
import { own } from "../own.ts";
import type { Wanted } from "./groups.ts";

export interface Changing {
  readonly wanted: readonly Wanted[];
  /** All alerts there are. */
  readonly known: readonly AlertDocument[];
  /** Tasks that are at work or still wait: nobody knows yet what becomes of them. */
  readonly unsettled: ReadonlySet<TaskId>;
  /** Kinds that could not be looked at: nothing is known to be over. */
  readonly unseen: ReadonlySet<AlertKind>;
  readonly now: EpochMs;
  readonly quietMs: number;
}

/** Alerts at once: what does not fit, the least urgent, is opened when others are over. */
export const alertsMax = 200;

/**
 * All alerts as they should be; the same object when nothing changes.
 *
 * - A1 an alert is opened once per cause, and lives until its cause was gone for `quietMs`; a task
 *   that is tried again is still one of its causes until it has ended.
 * - A2 doing it twice, or in two processes, changes nothing.
 */
export function nextAlerts(changing: Changing): readonly AlertDocument[] {
  const wanted = new Map(changing.wanted.map((one) => [one.key, one]));
  const known = new Set(changing.known.map(({ key }) => key));
  return [
    ...changing.known.map((alert) => next(alert, wanted.get(alert.key), changing)),
    ...changing.wanted
      .filter(({ key }) => !known.has(key))
      .slice(0, Math.max(0, alertsMax - known.size))
      .map(opened),
  ];
}

function opened(wanted: Wanted): AlertDocument {
  return { schema: 1, ...wanted, state: "open", quietSince: null, routes: {} };
}

function next(alert: AlertDocument, wanted: Wanted | undefined, changing: Changing): AlertDocument {
  const { now, quietMs, unsettled, unseen } = changing;
  // Who told a route that it was over may have died before it stored so: all hear of it anew.
  if (wanted !== undefined && alert.state === "closed") return opened(wanted);
  if (wanted !== undefined) {
    const since = Math.min(alert.since, wanted.since);
    const same: AlertDocument = { ...alert, ...wanted, since, state: "open", quietSince: null };
    return stableJson(same) === stableJson(alert) ? alert : same;
  }
  if (alert.state === "closed" || unseen.has(alert.kind)) return alert;
  if (alert.tasks.some((task) => unsettled.has(task))) return alert;
  const quietSince = alert.quietSince ?? now;
  if (now - quietSince >= quietMs) return { ...alert, state: "closed", quietSince };
  return alert.quietSince === null ? { ...alert, quietSince } : alert;
}

/** A notice that is due: what a route is to be told. */
export interface Due {
  readonly route: string;
  readonly change: "opened" | "updated" | "closed";
}

/**
 * What the routes of an alert are still to be told of it. Every route hears that it is over, also one
 * that never said it had heard of it: its answer may be lost, or who heard the answer may have died.
 * An update is due when twice as many are concerned.
 */
export function dueNotices(alert: AlertDocument, routes: readonly string[]): Due[] {
  return routes.flatMap((route) => {
    const change = dueAt(alert, toldOf(alert, route));
    return change === null ? [] : [{ route, change }];
  });
}

function dueAt(alert: AlertDocument, told: Told): Due["change"] | null {
  const heard = told.change !== null && told.change !== "closed";
  if (alert.state === "closed") return told.change === "closed" ? null : "closed";
  if (!heard) return "opened";
  return alert.count >= 2 * told.count ? "updated" : null;
}

export function toldOf(alert: AlertDocument, route: string): Told {
  const told = own(alert.routes, route);
  return told ?? { change: null, count: 0, at: null, unsent: null, refused: null };
}

/** What came of sending a notice. */
export type Answer =
  | { readonly kind: "taken" }
  | { readonly kind: "unanswered"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/** What is known of a route after it was sent a notice; the same object when that is nothing new. */
export function toldNow(
  told: Told,
  answer: Answer,
  sent: { readonly change: Due["change"]; readonly count: number; readonly now: EpochMs },
): Told {
  const { change, count, now } = sent;
  switch (answer.kind) {
    case "taken":
      return { change, count, at: now, unsent: null, refused: null };
    case "unanswered":
      return told.unsent === null
        ? { ...told, unsent: { since: now, reason: answer.reason } }
        : told;
    case "refused":
      // An alert that cannot be closed there is not known there, or somebody saw to it.
      if (change === "closed") {
        return { change, count, at: now, unsent: null, refused: answer.reason };
      }
      return told.refused === answer.reason && told.unsent === null
        ? told
        : { ...told, unsent: null, refused: answer.reason };
  }
}
