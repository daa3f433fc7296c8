import type { Query } from "../../schemas/chronon/features.ts";
import type { Window } from "../../schemas/chronon/primitives.ts";
import type { Partition } from "../../schemas/ids.ts";
import type { PlanInput, PlanTable } from "../../schemas/plan.ts";
import { isPartition } from "../dates.ts";
import { type Findings, quoted } from "./findings.ts";
import { tableName } from "./names.ts";
import { isOneDay, isoOf } from "./windows.ts";

export type PartitionFormat = PlanTable["partitionFormat"];

/** A table a config reads, and how the table's partition values are written in the lake. */
export interface Read {
  readonly input: PlanInput;
  readonly format: PartitionFormat;
  /** Set when the table is the output of this join, embedded as a source. */
  readonly sourceJoin?: string;
}

/** What holds for a table whose source says nothing of its partitions, and where findings go. */
export interface Reading {
  readonly column: string;
  readonly format: PartitionFormat;
  readonly findings: Findings;
}

/** One table and how far around an output partition it is read. */
export interface Reach {
  readonly table: string;
  /** Null: unbounded. */
  readonly start: Window | null | "unbounded";
  readonly end: Window | null;
  readonly query?: Query | null | undefined;
  readonly cumulative?: boolean;
  readonly sourceJoin?: string | undefined;
}

/** The read of a table, or nothing when it cannot be named; what is wrong is found. */
export function readOf(reach: Reach, reading: Reading): Read[] {
  const query = reach.query ?? {};
  const { findings } = reading;
  const subs = query.subPartitionsToWaitFor ?? [];
  const table = tableName([reach.table, ...subs].join("/"), findings);
  if (table === null) return [];
  const interval = query.partitionInterval;
  if (interval !== null && interval !== undefined && !isOneDay(interval)) {
    findings.error(
      `${table} has partitions of ${interval.length} ${interval.timeUnit}; only partitions of one day are supported`,
    );
  }
  const column = query.partitionColumn ?? reading.column;
  if (!/^[A-Za-z0-9_.$]+$/.test(column)) {
    findings.error(
      `${quoted(column)}, the partition column of ${table}, is not the name of a column`,
    );
  }
  const format = formatOf(query.partitionFormat ?? reading.format, findings);
  const startCutOff = dateOf(query.startPartition, { what: `start of ${table}`, format, findings });
  const endCutOff = dateOf(query.endPartition, { what: `end of ${table}`, format, findings });
  if (startCutOff !== null && endCutOff !== null && startCutOff > endCutOff) {
    findings.error(
      `${table} is read from ${startCutOff} to ${endCutOff}: it ends before it starts`,
    );
  }
  const input: PlanInput = {
    table,
    startOffset: reach.start === "unbounded" ? null : isoOf(reach.start),
    endOffset: isoOf(reach.end),
    ...(startCutOff === null ? {} : { startCutOff }),
    ...(endCutOff === null ? {} : { endCutOff }),
    partitionColumn: column,
    ...(reach.cumulative === true ? { cumulative: true as const } : {}),
  };
  const { sourceJoin } = reach;
  return [{ input, format, ...(sourceJoin === undefined ? {} : { sourceJoin }) }];
}

/** Each distinct read once, in the order they were found. */
export function distinct(reads: readonly Read[]): Read[] {
  return [...new Map(reads.map((read) => [JSON.stringify(read.input), read])).values()];
}

/** A pattern of partition values. Patterns that do not name a day in order are errors. */
export function formatOf(text: string, findings: Findings): PartitionFormat {
  if (text === "yyyy-MM-dd" || text === "yyyyMMdd") return text;
  findings.error(
    `partition format ${quoted(text)} is not supported; partitions must be yyyy-MM-dd or yyyyMMdd`,
  );
  return "yyyy-MM-dd";
}

/** A day of a config in Landfall's spelling, null when none is set. */
export function dateOf(
  text: string | null | undefined,
  { what, format, findings }: { what: string; format: PartitionFormat; findings: Findings },
): Partition | null {
  if (text === null || text === undefined || text === "") return null;
  const day = format === "yyyyMMdd" ? text.replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3") : text;
  if (isPartition(day)) return day;
  findings.error(`the ${what}, ${quoted(text)}, is not a day written ${format}`);
  return null;
}
