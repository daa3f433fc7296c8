import type { Window } from "../../schemas/chronon/primitives.ts";
import type { IsoDuration } from "../../schemas/plan.ts";
import type { Findings } from "./findings.ts";

const hours = { minutes: 1 / 60, hours: 1, days: 24 } as const;

/** A length of time as the plan writes it; nothing is always `P0D`. */
export function isoOf(window: Window | null): IsoDuration {
  if (window === null || window.length === 0) return "P0D";
  switch (window.timeUnit) {
    case "days":
      return `P${window.length}D`;
    case "hours":
      return `PT${window.length}H`;
    case "minutes":
      return `PT${window.length}M`;
  }
}

/**
 * The sum of what is there of some windows, null when nothing is. Chronon's planner throws when
 * units differ; that is an error here.
 */
export function sumOf(
  windows: readonly (Window | null | undefined)[],
  findings: Findings,
): Window | null {
  const set = windows.filter((window) => window !== null && window !== undefined);
  const [first] = set;
  if (first === undefined) return null;
  if (set.some((window) => window.timeUnit !== first.timeUnit)) {
    const units = [...new Set(set.map((window) => window.timeUnit))].join(" and ");
    findings.error(
      `a window and a partition lag are in ${units}; Chronon's planner refuses that, write both in one unit`,
    );
  }
  const length = set.reduce((sum, window) => sum + window.length, 0);
  return { length, timeUnit: first.timeUnit };
}

/** The longest of some windows, whatever their units. */
export function longest(windows: readonly Window[]): Window | null {
  return windows.reduce<Window | null>(
    (best, window) => (best === null || inHours(window) > inHours(best) ? window : best),
    null,
  );
}

/** Whether a partition interval is one day, the only one Landfall plans so far. */
export function isOneDay(interval: Window): boolean {
  return inHours(interval) === 24;
}

function inHours(window: Window): number {
  return window.length * hours[window.timeUnit];
}
