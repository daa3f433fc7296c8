import type { StagingQuery, TableDependency } from "../../schemas/chronon/staging-query.ts";
import { type Findings, quoted } from "./findings.ts";
import { distinct, type Read, type Reading, readOf } from "./reads.ts";

/**
 * What a staging query reads: the dependencies its author declared, as written. The old schema has
 * only texts, `db.table/ds={{ ds }}`. `customJson.airflowDependencies` are not looked at: they are
 * incomplete, and for years lags had the wrong sign in them.
 */
export function stagingReads(query: StagingQuery, reading: Reading): Read[] {
  const structured = query.tableDependencies ?? [];
  const written = query.metaData?.dependencies ?? [];
  if (structured.length === 0 && written.length === 0) {
    reading.findings.warn(
      "it declares no table it depends on, so it runs as soon as a day ends; declare its tables",
    );
  }
  if (structured.length > 0) {
    return distinct(structured.flatMap((dependency) => structuredRead(dependency, reading)));
  }
  return distinct(written.flatMap((spec) => writtenRead(spec, reading)));
}

/** `TableDependencies`: an absent start is unbounded, an absent end is the output's own day. */
function structuredRead(dependency: TableDependency, reading: Reading): Read[] {
  const { tableInfo, startOffset, endOffset, startCutOff, endCutOff } = dependency;
  if (tableInfo.partitionColumn === null || tableInfo.partitionColumn === undefined) {
    reading.findings.warn(
      `it depends on ${quoted(tableInfo.table)} without a partition column; that the table has data is not waited for`,
    );
    return [];
  }
  const query = {
    partitionColumn: tableInfo.partitionColumn,
    partitionFormat: tableInfo.partitionFormat,
    partitionInterval: tableInfo.partitionInterval,
    startPartition: startCutOff,
    endPartition: endCutOff,
  };
  return readOf(
    {
      table: tableInfo.table,
      start: startOffset ?? "unbounded",
      end: endOffset ?? null,
      query,
      cumulative: tableInfo.isCumulative === true,
    },
    reading,
  );
}

interface Spec {
  readonly table: string;
  readonly column: string;
  /** Days before the output's own, or the one fixed day that is read. */
  readonly at: { readonly lagDays: number } | { readonly day: string };
}

function writtenRead(spec: unknown, reading: Reading): Read[] {
  const parsed = typeof spec === "string" ? parseSpec(spec, reading.findings) : null;
  if (parsed === null) {
    reading.findings.error(
      `dependency ${quoted(typeof spec === "string" ? spec : JSON.stringify(spec))} is not db.table/ds={{ ds }}[/sub=partition]`,
    );
    return [];
  }
  const { table, column, at } = parsed;
  if ("day" in at) {
    const query = { partitionColumn: column, startPartition: at.day, endPartition: at.day };
    return readOf({ table, start: "unbounded", end: null, query }, reading);
  }
  const lag = { length: at.lagDays, timeUnit: "days" as const };
  return readOf({ table, start: lag, end: lag, query: { partitionColumn: column } }, reading);
}

const day = /^\{\{\s*ds\s*\}\}$/;
const shiftedDay = /^\{\{\s*(?:macros\.)?ds_add\(\s*ds\s*,\s*([+-]?\d{1,5})\s*\)\s*\}\}$/;
const fixedDay = /^\d{4}-\d{2}-\d{2}$/;

/** A text such as `db.table/ds={{ macros.ds_add(ds, -1) }}/hr=00:00`, taken apart. */
function parseSpec(spec: string, findings: Findings): Spec | null {
  const [base = "", ...parts] = spec.trim().split("/");
  const pairs = parts.map((part) => part.split("="));
  const dated = pairs.findIndex(([, value = ""]) => atOf(value) !== null);
  const [column = "", value = ""] = pairs[dated] ?? [];
  const at = atOf(value);
  if (at === null || base === "" || column === "") return null;
  if ("lagDays" in at && at.lagDays < 0) {
    findings.warn(
      `dependency ${quoted(spec)} names a day after the output's; older compilers wrote lags with this sign, so it is read as ${-at.lagDays} days before`,
    );
  }
  const subs = parts.filter((_, index) => index !== dated);
  return {
    table: [base, ...subs].join("/"),
    column,
    at: "lagDays" in at ? { lagDays: Math.abs(at.lagDays) } : at,
  };
}

function atOf(value: string): { lagDays: number } | { day: string } | null {
  if (day.test(value)) return { lagDays: 0 };
  const shifted = shiftedDay.exec(value)?.[1];
  if (shifted !== undefined) return { lagDays: -Number(shifted) };
  return fixedDay.test(value) ? { day: value } : null;
}
