import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import type { Attempt, Task, TaskState } from "../../schemas/tasks.ts";
import { audit } from "./audit.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";
import { wantedStep } from "./wanted-step.ts";

/** The auditor on traces written by hand: one that keeps every promise, and each promise broken. */
const day = "2025-10-01";
const overAt = Date.parse("2025-10-02T00:00:00Z");
const table = "data.e";
const output = "out.t";
const id = `t.a/backfill@${day}`;
const settings = Settings.parse({
  pools: { spark: { limit: 1 } },
  poolOfMode: { backfill: "spark" },
  externalClosing: { when: "at-landing" },
});
const step = wantedStep({
  config: "t.a",
  mode: "backfill",
  inputs: [{ table, startDays: 0, endDays: 0 }],
  output,
  effect: "overwrites",
});
const wanted: Wanted = {
  steps: [step, { ...step, id: "t.b/backfill", config: "t.b", output: "out.u" }],
  tables: [
    { name: table, writer: null, closing: { when: "at-landing" }, holes: "fine" },
    { name: output, writer: step.id, closing: { when: "at-landing" }, holes: "wait" },
  ],
  streams: [{ config: "t.s", content: 1 }],
  metadata: null,
};

let at = overAt;
let commits = 0;
const entry = (happening: Happening): TraceEntry => ({ at: (at += 1_000), ...happening });

function stored(...documents: readonly [string, object][]): TraceEntry[] {
  commits += 1;
  at += 1_000;
  return documents.map(([name, body]) => ({
    at,
    kind: "stored",
    commit: commits,
    by: "dispatcher 1",
    id: name as `tasks/${string}`,
    body: body as Task,
  }));
}

const attempted = (jobId: string, attempt: number) => ({
  attempt,
  jobId,
  claimedAt: 0,
  startedAt: null,
  endedAt: null,
  outcome: null,
  blame: null,
  error: null,
  log: null,
});

function task(state: TaskState, more: Partial<Task> = {}): [string, Task] {
  const runs = [{ run: 1, because: "inputs complete", at: 0, attempts: [attempted("job-1", 1)] }];
  return [
    `tasks/${more.id ?? id}`,
    {
      schema: 1,
      id,
      step: step.id,
      config: "t.a",
      mode: "backfill",
      team: "t",
      pipeline: "p",
      start: day,
      end: day,
      bornAt: 0,
      state,
      why: state.kind,
      wakeAt: null,
      queuedFor: null,
      requestedBy: [],
      runs,
      reads: { [table]: { [day]: "0.0" } },
      before: {},
      ...more,
    },
  ];
}

const launching = {
  kind: "launching",
  run: 1,
  attempt: 1,
  jobId: "job-1",
  by: "d",
  submitBy: 0,
} as const;
const succeeded = { kind: "succeeded", run: 1, at: 0, remark: null } as const;
const landings = (of: string, n: number): [string, object] => [
  `landings/${of}@2025-10`,
  {
    schema: 1,
    table: of,
    month: "2025-10",
    partitions: { [day]: { state: "landed", version: { epoch: 0, n }, at, seenBy: "delta" } },
    writers: {},
  },
];
const lands = (of: string, n: number, jobId: string | null) =>
  entry({
    kind: "table-commit",
    table: of,
    tableId: of,
    n,
    writtenAt: at,
    added: [day],
    emptied: [],
    jobId,
  });
const begins = (jobId = "job-1", of = id) =>
  entry({ kind: "job-begun", jobId, task: of, run: 1, attempt: 1 });
const ends = (jobId = "job-1") => entry({ kind: "job-ended", jobId, state: "succeeded" });
const rests = (unacked = 0) => entry({ kind: "ended", unacked, deadLetters: [] });

/** Promises broken by a trace in which Landfall looked at a table before anything happens. */
function broken(...entries: readonly (TraceEntry | readonly TraceEntry[])[]): string[] {
  const begun = entry({ kind: "begun", settings, wanted, perMinute: null });
  const first = [begun, ...stored([`cursors/${table}`, { table, contiguous: -1 }])];
  const trace = [...first.map((one) => ({ ...one, at: overAt })), ...entries.flat()];
  return [...new Set(audit(trace).map(({ promise }) => promise))];
}

const landed = () => [lands(table, 0, null), ...stored(landings(table, 0))];
const done = () => [
  ...landed(),
  ...stored(task(launching)),
  begins(),
  lands(output, 0, "job-1"),
  ends(),
  ...stored(landings(output, 0), task(succeeded)),
];
/** The second config's day, done as well. */
const other = () => {
  const of = `t.b/backfill@${day}`;
  const runs = [{ run: 1, because: "", at: 0, attempts: [attempted("job-b", 1)] }];
  const more = { id: of, step: "t.b/backfill", config: "t.b", runs };
  return [
    ...stored(task({ ...launching, jobId: "job-b" }, more)),
    begins("job-b", of),
    lands("out.u", 0, "job-b"),
    ends("job-b"),
    ...stored(landings("out.u", 0), task(succeeded, more)),
  ];
};

test("a trace that keeps every promise", () => {
  expect(broken(done(), other(), rests())).toEqual([]);
});

test("I1: claimed before its input landed, or by a version that never was", () => {
  expect(broken(stored(task(launching)))).toEqual(["I1"]);
  const reads = { [table]: { [day]: "0.7" } };
  expect(broken(landed(), stored(task(launching, { reads })))).toEqual(["I1"]);
});

test("I1: whether a hole in a window holds up is for the release that decides to say", () => {
  const windowed = { ...step, inputs: [{ table, startDays: 1, endDays: 0 }] };
  const released = (release: string, holes: "fine" | "wait") =>
    entry({
      kind: "released",
      release,
      wanted: {
        ...wanted,
        steps: [windowed, ...wanted.steps.slice(1)],
        tables: [{ name: table, writer: null, closing: { when: "at-landing" }, holes }],
      },
    });
  // The newer one is written before the older decides, and has not replaced it yet.
  const both = [released("older", "fine"), released("newer", "wait")];
  const decides = (release: string) => stored(["plans/current", { release, hash: release, at }]);
  const claim = () => stored(task(launching));
  expect(broken(landed(), both, decides("older"), claim())).toEqual([]);
  expect(broken(landed(), both, decides("newer"), claim())).toEqual(["I1"]);
  expect(broken(landed(), both, decides("older"), decides("newer"), claim())).toEqual(["I1"]);
});

test("I2: two jobs of one output at a time", () => {
  const runs = [
    { run: 1, because: "", at: 0, attempts: [attempted("job-1", 1), attempted("job-2", 2)] },
  ];
  const second = entry({ kind: "job-begun", jobId: "job-2", task: id, run: 1, attempt: 2 });
  expect(broken(landed(), stored(task(launching, { runs })), begins(), second)).toContain("I2");
});

test("I3: a job that nobody stored, a job begun twice, a failure without a job", () => {
  expect(broken(landed(), begins())).toEqual(["I3"]);
  expect(broken(landed(), stored(task(launching)), begins(), ends(), begins())).toEqual(["I3"]);
  const failed = { kind: "failed", run: 1, at: 0, reason: "" } as const;
  expect(broken(landed(), stored(task(launching)), stored(task(failed)))).toEqual(["I3"]);
});

test("I2, I3: an attempt that is said to have ended while its job runs, or otherwise, or without one", () => {
  const retrying = { kind: "retrying", run: 1, notBefore: 0 } as const;
  const said = (outcome: Attempt["outcome"]) => {
    const attempts = [{ ...attempted("job-1", 1), outcome }];
    const runs = [{ run: 1, because: "inputs complete", at: 0, attempts }];
    return stored(task(retrying, { runs }));
  };
  const claim = () => [...landed(), ...stored(task(launching))];
  expect(broken(claim(), begins(), said("vanished"))).toEqual(["I2"]);
  expect(broken(claim(), begins(), ends(), said("vanished"))).toEqual(["I3"]);
  expect(broken(claim(), said("failed"))).toEqual(["I3"]);
  expect(broken(claim(), said("cancelled"))).toEqual([]);
});

test("I4: an input that landed again after the last job began is not reflected", () => {
  expect(
    broken(done(), other(), lands(table, 1, null), stored(landings(table, 1)), rests()),
  ).toEqual(["I4"]);
});

test("I5: success although nothing was written", () => {
  expect(
    broken(landed(), stored(task(launching)), begins(), ends(), stored(task(succeeded))),
  ).toEqual(["I5"]);
});

test("I6: more jobs than a pool has slots, and slots that are never given back", () => {
  const of = `t.b/backfill@${day}`;
  const runs = [{ run: 1, because: "", at: 0, attempts: [attempted("job-b", 1)] }];
  const claimed = task({ ...launching, jobId: "job-b" }, { id: of, step: "t.b/backfill", runs });
  expect(
    broken(landed(), stored(task(launching)), begins(), stored(claimed), begins("job-b", of)),
  ).toEqual(["I6"]);
  const pool = { schema: 1, name: "spark", limit: 1, holders: { [id]: "job-1" } };
  expect(broken(done(), other(), stored(["pools/spark", pool]), rests())).toEqual(["I6"]);
});

test("I7: a task that had ended goes on without a new run", () => {
  expect(broken(done(), stored(task(launching)))).toContain("I7");
});

test("I8: what is stored of a table is not what is there", () => {
  expect(broken(done(), other(), stored(landings(table, 3)), rests())).toEqual(["I8"]);
});

test("liveness: jobs, tasks, events and commands that are left over", () => {
  expect(broken(done(), other(), rests(1))).toEqual(["liveness"]);
  expect(broken(done(), rests())).toEqual(["liveness"]);
  expect(broken(landed(), stored(task({ kind: "waiting" })), other(), rests())).toEqual([
    "liveness",
  ]);
  const command = {
    kind: "task-retry",
    schema: 1,
    id: "c",
    by: "operator",
    at: 0,
    task: id,
  } as const;
  expect(broken(done(), other(), entry({ kind: "commanded", command }), rests())).toEqual([
    "liveness",
  ]);
});
