import { invalid } from "./errors.ts";
import type { Labels } from "./place.ts";

/** Refuses labels that Dataproc refuses: https://cloud.google.com/dataproc/docs/concepts/labels */
export function checkLabels(labels: Labels | null | undefined): void {
  const entries = Object.entries(labels ?? {});
  if (entries.length > 32) throw invalid("No more than 32 labels can be associated with a job");
  for (const [key, value] of entries) {
    if (!/^[a-z][a-z0-9_-]{0,62}$/.test(key)) throw invalid(`Invalid label key '${key}'`);
    if (!/^[a-z0-9_-]{0,63}$/.test(value)) throw invalid(`Invalid label value '${value}'`);
  }
}

/** The parts of a ListJobs filter: `field = value`, joined by AND or by nothing. */
export function jobFilter(filter: string): (labels: Labels, active: boolean) => boolean {
  const parts = [...filter.replaceAll(/\bAND\b/g, " ").matchAll(/(\S+)\s*=\s*(\S+)/g)];
  const rest = filter.replaceAll(/\bAND\b/g, " ").replaceAll(/(\S+)\s*=\s*(\S+)/g, "");
  if (rest.trim() !== "") throw invalid(`Invalid filter: '${filter}'`);
  const tests = parts.map(([, field = "", value = ""]) => testOf(field, value));
  return (labels, active) => tests.every((test) => test(labels, active));
}

function testOf(field: string, value: string): (labels: Labels, active: boolean) => boolean {
  if (field === "status.state" && (value === "ACTIVE" || value === "NON_ACTIVE")) {
    return (_, active) => active === (value === "ACTIVE");
  }
  const key = /^labels\.([a-z0-9_-]+)$/.exec(field)?.[1];
  if (key === undefined) throw invalid(`Invalid filter field '${field}'`);
  return (labels) => (value === "*" ? labels[key] !== undefined : labels[key] === value);
}

interface Filtered {
  readonly state: string;
  readonly createdAt: number;
}

/** A ListBatches filter of `state = S` and `create_time >= "T"` (also `<`), with AND, OR and `()`. */
export function batchFilter(filter: string): (batch: Filtered) => boolean {
  const all = filter.split(/\s+AND\s+/i).filter((clause) => clause !== "");
  const clauses = all.map((clause) =>
    clause
      .replaceAll(/^\(|\)$/g, "")
      .split(/\s+OR\s+/i)
      .map(batchTest),
  );
  return (batch) => clauses.every((any) => any.some((test) => test(batch)));
}

function batchTest(clause: string): (batch: Filtered) => boolean {
  const state = /^\s*state\s*=\s*([A-Z]+)\s*$/.exec(clause)?.[1];
  if (state !== undefined) return (batch) => batch.state === state;
  const [, sign, time = ""] = /^\s*create_time\s*(>=|<)\s*"([^"]+)"\s*$/.exec(clause) ?? [];
  if (sign === undefined) throw invalid(`Invalid filter clause '${clause}'`);
  const at = Date.parse(time);
  return (batch) => (sign === "<" ? batch.createdAt < at : batch.createdAt >= at);
}
