import fc from "fast-check";
import type { DocumentId, DocumentOf } from "../../schemas/documents.ts";
import type { PartitionLanded, Tick } from "../../schemas/events.ts";
import { parseTaskId, type TaskId } from "../../schemas/ids.ts";
import type { LandingsDocument } from "../../schemas/landings.ts";
import type { Attempt, PoolDocument, Task, TaskState } from "../../schemas/tasks.ts";

/** A waiting task that nothing wakes, unless told otherwise. */
export function task(id: TaskId, more: Partial<Task> = {}): Task {
  const { step, range } = parseTaskId(id);
  const slash = step.lastIndexOf("/");
  return {
    schema: 1,
    id,
    step,
    config: step.slice(0, slash),
    mode: step.slice(slash + 1),
    team: "risk",
    pipeline: "chronon_gb_batch_risk",
    start: range.start,
    end: range.end,
    bornAt: 1_759_000_000_000,
    state: { kind: "waiting" },
    why: "waits for data.events@2025-09-30",
    wakeAt: null,
    queuedFor: null,
    requestedBy: [],
    runs: [],
    reads: {},
    before: {},
    ...more,
  };
}

/** An attempt that failed, unless told otherwise. */
export function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    attempt: 1,
    jobId: "landfall-1",
    claimedAt: 1_759_000_000_000,
    startedAt: null,
    endedAt: 1_759_000_600_000,
    outcome: "failed",
    blame: "job",
    error: null,
    log: null,
    ...more,
  };
}

/** One month of a table in which nothing was seen, unless told otherwise. */
export function landings(table: string, more: Partial<LandingsDocument> = {}): LandingsDocument {
  return { schema: 1, table, month: "2025-09", partitions: {}, writers: {}, ...more };
}

export function pool(name: string, limit = 1): PoolDocument {
  return { schema: 1, name, limit, holders: {} };
}

export function tick(at: number): Tick {
  return { kind: "tick", schema: 1, at };
}

/** A partition seen at commit `n`. */
export function landed(table: string, n: number, partition = "2025-09-30"): PartitionLanded {
  return {
    kind: "partition-landed",
    schema: 1,
    table,
    partition,
    landing: {
      state: "landed",
      version: { epoch: 0, n },
      rows: 100,
      bytes: 4_096,
      at: 1_759_000_000_000 + n,
      seenBy: "delta",
    },
    backlog: false,
  };
}

/** Names that trip over paths, prototypes, SQL, JSON or encodings. */
export const hostileNames = [
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "a/b//c",
  ".",
  "%2F",
  "",
  " ",
  "'; DROP TABLE documents; --",
  '"quoted" \\ and {"json":1}',
  "n\u0000ul",
  "line\nfeed\ttab",
  "lone \ud800 surrogate",
  "lone \udc00 surrogate",
  "höß 表 🚀",
  "e\u0301 is not \u00e9",
  "x".repeat(900),
] as const;

/** A name of a document: everyday, hostile, or anything a string can be. */
export const anyName: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("data.events", "data.users", "out.features") },
  { weight: 1, arbitrary: fc.constantFrom(...hostileNames) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
);

const day = fc.integer({ min: 1, max: 9 }).map((n) => `2025-09-0${n}`);
const moment = fc.integer({ min: 0, max: 5 });

const anyState: fc.Arbitrary<TaskState> = fc.oneof(
  fc.constant<TaskState>({ kind: "waiting" }),
  moment.map((since): TaskState => ({ kind: "ready", since, because: null })),
  moment.map((at): TaskState => ({ kind: "succeeded", run: 1, at, remark: null })),
);

/** A task of few steps and days, so that ids meet; with the fields that queries look at. */
export const anyTask: fc.Arbitrary<Task> = fc
  .record({
    step: fc.constantFrom("risk.a/upload", "risk.b/backfill"),
    start: day,
    state: anyState,
    wakeAt: fc.option(moment),
    queuedFor: fc.option(fc.constantFrom("upload", "__proto__")),
    why: fc.string(),
  })
  .map(({ step, start, ...more }) => task(`${step}@${start}`, more));

/** A document of any kind that is written often, with its id. */
export const anyDocument: fc.Arbitrary<{ id: DocumentId; body: DocumentOf<DocumentId> }> = fc.oneof(
  anyTask.map((body) => ({ id: `tasks/${body.id}` as const, body })),
  anyName.map((name) => ({
    id: `landings/${name}` as const,
    body: landings(`t.${name}`.slice(0, 400)),
  })),
  fc.tuple(anyName, fc.integer({ min: 1, max: 9 })).map(([name, limit]) => ({
    id: `pools/${name}` as const,
    body: pool(name, limit),
  })),
);
