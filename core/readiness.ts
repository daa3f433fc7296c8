import type { DocumentId } from "../schemas/documents.ts";
import type { EpochMs, Partition, PartitionRange, TableName } from "../schemas/ids.ts";
import { taskId } from "../schemas/ids.ts";
import type { PlanInput, PlanStep } from "../schemas/plan.ts";
import { closedness, closingOf } from "./closing.ts";
import { addDays, daysIn } from "./dates.ts";
import type { Deciding } from "./deciding.ts";
import { landingOf, landingsId, landingsIds, versionText } from "./landings.ts";
import { own } from "./own.ts";
import { inputRange } from "./partitions.ts";
import { STATUS } from "./status.ts";

/** One reason why a task cannot run yet. */
export interface Missing {
  /** The partition waited for, or the task, when it is a step of the same config. */
  readonly what: string;
  readonly because: string;
  /** True when a live task is about to write it: its end will look again. */
  readonly inWork: boolean;
}

/** Versions a job would read, by table and partition. */
export type Reads = Readonly<Record<TableName, Readonly<Record<Partition, string>>>>;

/** Whether all a step reads for a range is there (I1), and every reason why it is not. */
export type Verdict =
  | { readonly kind: "met"; readonly reads: Reads; readonly remarks: readonly string[] }
  | {
      readonly kind: "unmet";
      readonly missing: readonly Missing[];
      /** When it may be met without anything happening; null when something must happen. */
      readonly until: EpochMs | null;
      /** True when some input has landed: the task has had its first fact. */
      readonly begun: boolean;
    };

interface InputFindings {
  readonly missing: readonly Missing[];
  readonly until: EpochMs | null;
  readonly reads: Readonly<Record<Partition, string>>;
  readonly remarks: readonly string[];
}

/** The verdict on a step for a range of its partitions. Throws `Unread`. */
export function readiness(deciding: Deciding, step: PlanStep, range: PartitionRange): Verdict {
  deciding.draft.need(documentsRead(deciding, step, range));
  const steps = afterFindings(deciding, step, range);
  const inputs = step.inputs.map((input) => inputFindings(deciding, input, range));
  const missing = [...steps, ...inputs.flatMap((input) => input.missing)];
  if (missing.length === 0) {
    return {
      kind: "met",
      reads: mergeReads(step.inputs, inputs),
      remarks: inputs.flatMap((i) => i.remarks),
    };
  }
  return {
    kind: "unmet",
    missing,
    until: latest(inputs.map((input) => input.until)),
    begun:
      inputs.some((input) => Object.keys(input.reads).length > 0) &&
      missing.some(({ inWork }) => !inWork),
  };
}

/** The partitions one input of a step covers, the start cut to what is looked at when unbounded. */
export function windowOf(
  deciding: Deciding,
  input: PlanInput,
  range: PartitionRange,
): { readonly range: PartitionRange; readonly bounded: boolean } | null {
  const wanted = inputRange(range, input);
  if (wanted === null) return null;
  if (wanted.start !== null && input.startOffset !== null) {
    return { range: { start: wanted.start, end: wanted.end }, bounded: true };
  }
  const lookback = addDays(wanted.end, 1 - deciding.settings.unboundedLookback);
  const start = wanted.start !== null && wanted.start > lookback ? wanted.start : lookback;
  return { range: { start, end: wanted.end }, bounded: false };
}

function documentsRead(deciding: Deciding, step: PlanStep, range: PartitionRange): DocumentId[] {
  const ids: DocumentId[] = step.after.map((id) => `tasks/${taskId(id, range)}` as const);
  for (const input of step.inputs) {
    const window = windowOf(deciding, input, range);
    if (window === null) continue;
    ids.push(...landingsIds(input.table, window.range));
    const producer = deciding.plan.producerOf(input.table);
    if (producer !== undefined) ids.push(`tasks/${taskId(producer.id, single(window.range.end))}`);
  }
  return ids;
}

function afterFindings(deciding: Deciding, step: PlanStep, range: PartitionRange): Missing[] {
  return step.after.flatMap((id) => {
    const before = taskId(id, range);
    const state = deciding.draft.get(`tasks/${before}`)?.state.kind;
    if (state === "succeeded") return [];
    const inWork = state !== undefined && STATUS[state].holdsOutput;
    return [{ what: before, because: `it is ${state ?? "not begun"}`, inWork }];
  });
}

function inputFindings(deciding: Deciding, input: PlanInput, range: PartitionRange): InputFindings {
  const window = windowOf(deciding, input, range);
  if (window === null) return { missing: [], until: null, reads: {}, remarks: [] };
  const days = daysIn(window.range);
  const reads: Record<Partition, string> = {};
  for (const day of days) {
    const landing = landingOf(deciding.draft, input.table, day);
    if (landing?.state === "landed") reads[day] = versionText(landing.version);
  }
  const last = lastPartition(deciding, input, window.range.end);
  const holes = window.bounded
    ? holesIn(deciding, input, { days, reads })
    : { missing: [], remarks: [] };
  return {
    missing: [...last.missing, ...holes.missing],
    until: last.until,
    reads,
    remarks: holes.remarks,
  };
}

/** The last partition of an input must be closed, and nobody may be about to write it. */
function lastPartition(
  deciding: Deciding,
  input: PlanInput,
  partition: Partition,
): { missing: readonly Missing[]; until: EpochMs | null } {
  const what = `${input.table}@${partition}`;
  const waits = (because: string, until: EpochMs | null = null, inWork = false) => ({
    missing: [{ what, because, inWork }],
    until,
  });
  const writer = writerOf(deciding, input.table, partition);
  const landing = landingOf(deciding.draft, input.table, partition);
  if (
    writer !== null &&
    !(landing !== null && writer.failedAt !== null && landing.at > writer.failedAt)
  ) {
    return waits(writer.because, null, writer.failedAt === null);
  }
  if (landing === null) return waits("it has not landed");
  if (landing.state === "gone") return waits("it is gone: its last rows were removed");
  const table = deciding.plan.tables.get(input.table) ?? { name: input.table, external: true };
  const closed = closedness({
    closing: closingOf(deciding.settings, table),
    partition,
    landing,
    nextHasData: () => {
      const next = addDays(partition, 1);
      return landingOf(deciding.draft, input.table, next)?.state === "landed";
    },
    now: deciding.now,
  });
  if (closed.kind === "closed") return { missing: [], until: null };
  return waits(`open: ${closed.because}`, closed.until);
}

/** A task that is about to write a partition, or failed to: readers wait for it. */
function writerOf(
  deciding: Deciding,
  table: TableName,
  partition: Partition,
): { because: string; failedAt: EpochMs | null } | null {
  const writers = deciding.draft.get(landingsId(table, partition))?.writers ?? {};
  for (const [task, writer] of Object.entries(writers)) {
    if (writer.start <= partition && partition <= writer.end) {
      return { because: `${task} is writing it`, failedAt: null };
    }
  }
  const producer = deciding.plan.producerOf(table);
  if (producer === undefined) return null;
  const id = taskId(producer.id, single(partition));
  const state = deciding.draft.get(`tasks/${id}`)?.state;
  if (state === undefined) return null;
  if (STATUS[state.kind].holdsOutput) {
    return { because: `${id} is ${state.kind}`, failedAt: null };
  }
  if (state.kind === "failed") return { because: `${id} failed`, failedAt: state.at };
  return null;
}

/** Days of a bounded window that are not there, from the table's first known one on. */
function holesIn(
  deciding: Deciding,
  input: PlanInput,
  { days, reads }: { days: readonly Partition[]; reads: Readonly<Record<Partition, string>> },
): { missing: readonly Missing[]; remarks: readonly string[] } {
  const absent = days.slice(0, -1).filter((day) => !Object.hasOwn(reads, day));
  if (absent.length === 0) return { missing: [], remarks: [] };
  const first = deciding.draft.get(`tables/${input.table}`)?.first;
  const holes = first === undefined ? [] : absent.filter((day) => day >= first);
  if (holes.length === 0) return { missing: [], remarks: [] };
  if (holesAreFine(deciding, input.table)) {
    return { missing: [], remarks: [`${input.table} has no ${holes.join(", ")}`] };
  }
  return {
    missing: holes.map((day) => ({
      what: `${input.table}@${day}`,
      because: "it has not landed",
      inWork: false,
    })),
    remarks: [],
  };
}

function holesAreFine(deciding: Deciding, table: TableName): boolean {
  const said = own(deciding.settings.tables, table)?.holes;
  if (said !== undefined) return said === "fine";
  return deciding.plan.tables.get(table)?.external ?? true;
}

function mergeReads(inputs: readonly PlanInput[], findings: readonly InputFindings[]): Reads {
  const reads: Record<TableName, Record<Partition, string>> = {};
  inputs.forEach((input, at) => {
    reads[input.table] = { ...reads[input.table], ...findings[at]?.reads };
  });
  return reads;
}

function latest(times: readonly (EpochMs | null)[]): EpochMs | null {
  return times.reduce((a, b) => (a === null ? b : b === null ? a : Math.max(a, b)), null);
}

export function single(partition: Partition): PartitionRange {
  return { start: partition, end: partition };
}
