import type { AlertDocument } from "../../../schemas/alerts.ts";
import type { CommandDocument, StreamCommand } from "../../../schemas/commands.ts";
import type { EpochMs, Partition, TableName, TaskId } from "../../../schemas/ids.ts";
import type { Landing, LandingsDocument } from "../../../schemas/landings.ts";
import type { MetadataDocument, MetadataRowsDocument } from "../../../schemas/metadata.ts";
import type { Settings } from "../../../schemas/settings.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";
import type { Task } from "../../../schemas/tasks.ts";
import type { Broken, TraceEntry, Wanted, WantedStep, Watching } from "../trace.ts";

const dayMs = 86_400_000;

export function dayNumber(day: Partition): number {
  return Date.parse(`${day}T00:00:00Z`) / dayMs;
}

export function dayText(number: number): Partition {
  return new Date(number * dayMs).toISOString().slice(0, 10);
}

export function endOf(day: Partition): EpochMs {
  return (dayNumber(day) + 1) * dayMs;
}

/** Days from the first to the last, both included. */
export function daysFrom(first: number, last: number): Partition[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => dayText(first + at));
}

export interface TaskName {
  readonly step: string;
  readonly start: Partition;
  readonly end: Partition;
}

export function taskName(id: TaskId): TaskName {
  const at = id.lastIndexOf("@");
  const [start = "", end = start] = id.slice(at + 1).split("..");
  return { step: id.slice(0, at), start, end };
}

/** One true change of one day of a table. */
export interface Touch {
  readonly at: EpochMs;
  readonly n: number;
  readonly life: number;
  readonly there: boolean;
  readonly writtenAt: EpochMs;
  readonly jobId: string | null;
}

/** One job as the world saw it. */
export interface Job {
  readonly jobId: string;
  readonly task: TaskId;
  readonly run: number;
  readonly attempt: number;
  readonly begunAt: EpochMs;
  /** Position in the trace. */
  readonly begun: number;
  ended: EpochMs | null;
  state: string | null;
}

export type Stored = Extract<TraceEntry, { kind: "stored" }>;

/** What the auditor knows at some point of the trace; rules are called as it goes on. */
export interface History {
  readonly startedAt: EpochMs;
  readonly settings: Settings;
  readonly perMinute: number | null;
  /** The turns that claims took to be submitted, by the clocks of who claimed. */
  readonly turns: EpochMs[];
  /** Every release so far: while several are in flight any of them may have decided. */
  readonly wanted: Wanted[];
  /** The same of all but the first, by the release's name. */
  readonly releases: Map<string, Wanted>;
  /** When each of them but the first was written. */
  readonly releasedAt: EpochMs[];
  readonly touches: Map<TableName, Map<Partition, Touch[]>>;
  readonly lives: Map<TableName, { life: number; tableId: string }>;
  readonly tasks: Map<TaskId, Task>;
  readonly landings: Map<string, LandingsDocument>;
  readonly firstDays: Map<TableName, Partition>;
  readonly pools: Map<string, Readonly<Record<string, string>>>;
  readonly jobs: Map<string, Job>;
  readonly running: Set<Job>;
  /** The serving info rows that a config had in the online store, the newest last. */
  readonly served: Map<string, ServedRow[]>;
  /** When what a consistency check found was last published, by join and day. */
  readonly published: Map<string, EpochMs>;
  /** From when on a step is sure to be in the plan that decides, for those that came later. */
  readonly since: Map<string, EpochMs>;
  /** Ids of commands that operators gave, and what is stored of them. */
  readonly commanded: Set<string>;
  readonly commands: Map<string, CommandDocument>;
  /** When the last job of a task's run was claimed; of a step that only fills, the first. */
  readonly claims: Map<string, EpochMs>;
  /** Tasks that were skipped while a newer day could stand for theirs. */
  readonly skippedRightly: Set<TaskId>;
  /** Tasks that were said to have succeeded or failed at some time. */
  readonly judged: Set<TaskId>;
  /** When a table was first looked at: what had landed before may be backlog. */
  readonly firstLooks: Map<TableName, EpochMs>;
  readonly streams: Map<string, StreamHistory>;
  readonly metadata: MetadataHistory;
  /** Null: nobody is told of anything. */
  readonly watching: Watching | null;
  /** Attempts that were stored as ended, by the id of their job. */
  readonly ended: Map<string, EndedAttempt>;
  readonly alerts: AlertHistory;
  readonly broken: Broken[];
}

/** What truly became of a GroupBy's stream, and what is stored of it. */
export interface StreamHistory {
  readonly jobs: StreamJob[];
  /** Newest last. */
  readonly checkpoints: string[];
  isManifestWhole: boolean;
  /** Somebody else's job wrote beside another, or left the newest state aside: which is the newest is anybody's guess. */
  isMuddled: boolean;
  document: StreamDocument | null;
  /** When each of what operators ask of it was asked. */
  readonly asked: { readonly command: StreamCommand; readonly at: EpochMs }[];
}

/** An attempt as it was last stored. */
export interface EndedAttempt {
  readonly task: TaskId;
  readonly run: number;
  readonly attempt: number;
  readonly days: Set<Partition>;
  state: "succeeded" | "failed" | "cancelled";
  /** From then on it has a row. */
  readonly countedBy: EpochMs;
}

/** What is stored of alerts, and what routes were told. */
export interface AlertHistory {
  /** By key; one that was deleted is kept without its body. */
  readonly documents: Map<string, StoredAlert>;
  /** The last notice that a route took of an alert, by both. */
  readonly notices: Map<
    string,
    {
      readonly change: string;
      readonly count: number;
      readonly at: EpochMs;
      /** When it was last told that there is one; 0: never. */
      readonly openAt: EpochMs;
    }
  >;
  /** Since when tasks are failed for good. */
  readonly failing: Map<TaskId, EpochMs>;
}

export interface StoredAlert {
  body: AlertDocument | null;
  /** Since when it has the body, or none. */
  at: EpochMs;
  /** Since when it says of a route what it says of it. */
  readonly saidAt: Map<string, EpochMs>;
}

/** A serving info row, from then on until the next. */
export interface ServedRow {
  readonly day: Partition;
  readonly cellDay: Partition;
  readonly from: EpochMs;
}

/** Rows of metadata as they truly lie there, and what is stored of them. */
export interface MetadataHistory {
  /** What each release wants, by its id; the first has none. */
  readonly wanted: Map<string, Wanted>;
  readonly first: Wanted;
  readonly rows: Map<string, MetadataCells>;
  /** The ledger: documents of rows that Landfall says it wrote, and its head. */
  readonly pages: Map<string, MetadataRowsDocument>;
  head: MetadataDocument | null;
  /** Which release decided from when on, the newest last. */
  readonly decided: { readonly release: string; readonly at: EpochMs }[];
  /** Rows that jobs wrote, by key, the newest last. */
  readonly uploads: Map<string, UploadedRow[]>;
  /** The conf that an attempt was claimed for, in a few characters, by the id of its job. */
  readonly claimedFor: Map<string, string>;
  /** Which rows somebody asked to delete, by the ids of their commands. */
  readonly asked: Map<string, readonly string[]>;
  /** Rows that Landfall deleted, and nobody had named, since an upload for another release was recorded. */
  deleted: number;
}

/** A row of metadata as a job wrote it. */
export interface UploadedRow {
  readonly jobId: string;
  readonly content: string;
  readonly at: EpochMs;
}

export interface MetadataCells {
  /** The cell that is read; null: none is there. */
  cell: { readonly content: string; readonly timestamp: EpochMs; readonly isOurs: boolean } | null;
  /** Landfall's newest cell, and when it was written by the world's clock. */
  own: { readonly content: string; readonly timestamp: EpochMs; readonly at: EpochMs } | null;
  /** When somebody else wrote or deleted it last. */
  touchedAt: EpochMs;
}

export interface StreamJob {
  readonly jobId: string;
  readonly begunAt: EpochMs;
  ended: EpochMs | null;
}

export function emptyHistory({
  at,
  settings,
  wanted,
  perMinute,
  watching,
}: Extract<TraceEntry, { kind: "begun" }>): History {
  return {
    startedAt: at,
    settings,
    perMinute,
    turns: [],
    wanted: [wanted],
    releases: new Map(),
    releasedAt: [],
    skippedRightly: new Set(),
    judged: new Set(),
    touches: new Map(),
    lives: new Map(),
    tasks: new Map(),
    landings: new Map(),
    firstDays: new Map(),
    pools: new Map(),
    jobs: new Map(),
    running: new Set(),
    served: new Map(),
    published: new Map(),
    since: new Map(),
    commanded: new Set(),
    commands: new Map(),
    claims: new Map(),
    firstLooks: new Map(),
    streams: new Map(),
    metadata: {
      wanted: new Map(),
      first: wanted,
      rows: new Map(),
      pages: new Map(),
      head: null,
      decided: [],
      uploads: new Map(),
      claimedFor: new Map(),
      asked: new Map(),
      deleted: 0,
    },
    watching: watching ?? null,
    ended: new Map(),
    alerts: { documents: new Map(), notices: new Map(), failing: new Map() },
    broken: [],
  };
}

export function breaks(
  history: History,
  where: Pick<Broken, "promise" | "at">,
  what: string,
): void {
  history.broken.push({ ...where, what });
}

/** Crashes and outages may keep a release from deciding for so long. */
const decidesWithinMs = 3 * 3_600_000;

/** Takes over another release. */
export function released(
  history: History,
  { release, wanted, at }: Extract<TraceEntry, { kind: "released" }>,
): void {
  const before = new Set(history.wanted.at(-1)?.steps.map(({ id }) => id));
  for (const { id } of wanted.steps) {
    if (!before.has(id)) history.since.set(id, at + decidesWithinMs);
  }
  history.wanted.push(wanted);
  history.releases.set(release, wanted);
  history.releasedAt.push(at);
}

/** What the release that decides asks for, by the plan that is stored; undefined before there is one. */
function deciding({ releases, metadata, wanted }: History): Wanted | undefined {
  const newest = metadata.decided.at(-1);
  return newest === undefined ? undefined : (releases.get(newest.release) ?? wanted[0]);
}

/** What releases that may decide at a time say of a step: the newest, and those it may not have replaced yet. */
export function stepsThatMayDecide(history: History, id: string, at: EpochMs): WantedStep[] {
  return history.wanted.flatMap((wanted, nth) => {
    const replacedAt = history.releasedAt[nth] ?? Number.POSITIVE_INFINITY;
    if (replacedAt + decidesWithinMs < at) return [];
    return wanted.steps.filter((step) => step.id === id);
  });
}

/** The step as the newest release that has it means it. */
export function stepOf({ wanted }: History, id: string): WantedStep | undefined {
  for (let at = wanted.length - 1; at >= 0; at--) {
    const found = wanted[at]?.steps.find((step) => step.id === id);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The table as the release that decides means it, else as the newest that has it does. */
export function tableOf(history: History, name: TableName) {
  const asked = [deciding(history), ...history.wanted.toReversed()];
  for (const wanted of asked) {
    const found = wanted?.tables.find((table) => table.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What is stored of a partition. */
export function knownLanding(history: History, table: TableName, day: Partition): Landing | null {
  return history.landings.get(`${table}@${day.slice(0, 7)}`)?.partitions[day] ?? null;
}

export function touchesOf(history: History, table: TableName, day: Partition): readonly Touch[] {
  return history.touches.get(table)?.get(day) ?? [];
}

/** The days of an input that a range of output days reads; from is null without a beginning. */
export function neededDays(
  input: { readonly startDays: number | null; readonly endDays: number },
  range: { readonly start: Partition; readonly end: Partition },
): { readonly first: number | null; readonly last: number } {
  return {
    first: input.startDays === null ? null : dayNumber(range.start) - input.startDays,
    last: dayNumber(range.end) - input.endDays,
  };
}
