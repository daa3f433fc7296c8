import type { EpochMs } from "../../schemas/ids.ts";
import type { TaskStateKind } from "../../schemas/tasks.ts";
import { encodedText, type Moment, type Value } from "./firestore-values.ts";

export interface FieldFilter {
  readonly fieldFilter: {
    readonly field: { readonly fieldPath: string };
    readonly op: "EQUAL" | "LESS_THAN_OR_EQUAL" | "GREATER_THAN_OR_EQUAL";
    readonly value: Value;
  };
}

/** The part of Firestore's structured queries that is used here. */
export interface StructuredQuery {
  readonly select?: { readonly fields: { readonly fieldPath: string }[] };
  readonly from: { readonly collectionId: string }[];
  readonly where?: { readonly compositeFilter: { readonly op: "AND"; filters: FieldFilter[] } };
  readonly orderBy: {
    readonly field: { readonly fieldPath: string };
    readonly direction: "ASCENDING" | "DESCENDING";
  }[];
  readonly limit: { readonly value: number };
}

/** Every query is served by an index of `firestore.indexes.json`; a test says so. */
const limitMax = 2 ** 31 - 1;

/** Tasks whose `wakeAt` has come, the most overdue first; their names and `id` alone. */
export function dueTasksQuery(now: EpochMs, limit: number): StructuredQuery {
  return {
    ...idsOfTasks,
    ...where([filter("wakeAt", "LESS_THAN_OR_EQUAL", { integerValue: now })]),
    orderBy: [{ field: { fieldPath: "wakeAt" }, direction: "ASCENDING" }],
    ...atMost(limit),
  };
}

/** Tasks queued for a pool, longest ready first; their names and `id` alone. */
export function queuedTasksQuery(pool: string, limit: number): StructuredQuery {
  return {
    ...idsOfTasks,
    ...where([filter("queuedFor", "EQUAL", { stringValue: encodedText(pool) })]),
    orderBy: [{ field: { fieldPath: "readySince" }, direction: "ASCENDING" }],
    ...atMost(limit),
  };
}

/** Whole tasks, newest partition first. */
export function listTasksQuery(asked: {
  readonly state?: TaskStateKind;
  readonly step?: string;
  readonly limit: number;
}): StructuredQuery {
  const filters: FieldFilter[] = [];
  if (asked.step !== undefined) {
    filters.push(filter("step", "EQUAL", { stringValue: encodedText(asked.step) }));
  }
  if (asked.state !== undefined) {
    filters.push(filter("state.kind", "EQUAL", { stringValue: asked.state }));
  }
  return {
    ...ofTasks,
    ...where(filters),
    orderBy: [{ field: { fieldPath: "start" }, direction: "DESCENDING" }],
    ...atMost(asked.limit),
  };
}

/** Whole tasks with a finished attempt that were written since a moment, the oldest write first. */
export function endedTasksQuery(since: Moment, limit: number): StructuredQuery {
  return {
    ...ofTasks,
    ...where([filter("changedAt", "GREATER_THAN_OR_EQUAL", { timestampValue: since })]),
    orderBy: [{ field: { fieldPath: "changedAt" }, direction: "ASCENDING" }],
    ...atMost(limit),
  };
}

const ofTasks = { from: [{ collectionId: "tasks" }] };
const idsOfTasks = { ...ofTasks, select: { fields: [{ fieldPath: "id" }] } };

function filter(
  fieldPath: string,
  op: FieldFilter["fieldFilter"]["op"],
  value: Value,
): FieldFilter {
  return { fieldFilter: { field: { fieldPath }, op, value } };
}

function where(filters: FieldFilter[]): Pick<StructuredQuery, "where"> {
  return filters.length === 0 ? {} : { where: { compositeFilter: { op: "AND", filters } } };
}

function atMost(limit: number): Pick<StructuredQuery, "limit"> {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Error(`a limit is a whole number from 0 on, not ${limit}`);
  }
  return { limit: { value: Math.min(limit, limitMax) } };
}
