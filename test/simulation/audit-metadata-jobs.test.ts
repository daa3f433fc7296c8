import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import type { TaskState } from "../../schemas/tasks.ts";
import { audit } from "./audit.ts";
import { hourMs } from "./times.ts";
import type { Happening, TraceEntry, Wanted, WantedStep } from "./trace.ts";

/** A day and a half after 1970 began, when the day that is over is 1970-01-01. */
const task = "t.a/metadata-upload@1970-01-01";
const conf = (content: string) => content.repeat(12);
const key = "group_bys/t.a";
const step = (content: string): WantedStep => ({
  id: "t.a/metadata-upload",
  config: "t.a",
  mode: "metadata-upload",
  scheduled: true,
  inputs: [],
  after: [],
  output: null,
  uploads: { key, conf: conf(content), content: `as ${content}` },
  effect: "none",
  latestOnly: true,
  readByOthers: false,
  stepDays: 1,
});
const wanted = (content: string): Wanted => ({
  steps: [step(content)],
  tables: [],
  streams: [],
  metadata: null,
});

type At = readonly [hours: number, happening: Happening];

/** Promises broken by what happens at hours, of a release whose conf is "a". */
function broken(happenings: readonly (At | readonly At[])[]): string[] {
  const settings = Settings.parse({});
  const begun: TraceEntry = {
    at: 0,
    kind: "begun",
    settings,
    wanted: wanted("a"),
    perMinute: null,
  };
  const all = happenings.flatMap((one) => (isOne(one) ? [one] : one));
  const rest = all.map(([hours, one]): TraceEntry => ({ at: hours * hourMs, ...one }));
  return [...new Set(audit([begun, ...rest]).map(({ promise }) => promise))];
}

function isOne(one: At | readonly At[]): one is At {
  return typeof one[0] === "number";
}

let commits = 0;
const stored = (hours: number, id: string, body: object): At => {
  const document = { id: id as "plans/current", body: body as never };
  return [hours, { kind: "stored", commit: (commits += 1), by: "d", ...document }];
};
const decides = (hours: number, release: string) => stored(hours, "plans/current", { release });

/** The task with as many runs as jobs, the last of them claimed for a conf. */
function taskAt(
  hours: number,
  state: TaskState,
  { run, of, id = task }: { run: number; of: string; id?: string },
): At {
  const runs = Array.from({ length: run }, (_, nth) => ({
    run: nth + 1,
    because: "",
    at: 0,
    attempts: [{ attempt: 1, jobId: `job-${nth + 1}`, outcome: null }],
  }));
  const [step, day] = id.split("@");
  const named = { id, step, config: "t.a", start: day, end: day };
  const more = { requestedBy: [], reads: {}, conf: `${conf(of)}0000`, why: "" };
  return stored(hours, `tasks/${id}`, { ...named, ...more, runs, state });
}

const writes = (hours: number, of: string, run = 1): At => [
  hours,
  {
    kind: "metadata-uploaded",
    key,
    content: `as ${of}`,
    timestamp: hours * hourMs,
    jobId: `job-${run}`,
  },
];

/** A run from its claim to its success, within an hour; `row`: what its job writes. */
function runs(
  hours: number,
  { run = 1, of = "a", row }: { run?: number; of?: string; row?: string },
) {
  const jobId = `job-${run}`;
  const live = { run, attempt: 1, jobId };
  return [
    taskAt(hours, { kind: "launching", ...live, by: "d", submitBy: 0 }, { run, of }),
    [hours + 0.1, { kind: "job-begun", jobId, task, run, attempt: 1 }],
    ...(row === undefined ? [] : [writes(hours + 0.2, row, run)]),
    [hours + 0.3, { kind: "job-ended", jobId, state: "succeeded" }],
    taskAt(hours + 0.4, { kind: "succeeded", run, at: 0, remark: null }, { run, of }),
  ] satisfies At[];
}
const rests: At = [47, { kind: "ended", unacked: 0, deadLetters: [] }];
const second: At = [26, { kind: "released", release: "second", wanted: wanted("b") }];

test("I5: a success whose job wrote the row of its conf, another, or none", () => {
  const first = decides(25, "first");
  expect(broken([first, runs(25, { row: "a" }), rests])).toEqual([]);
  expect(broken([first, runs(25, { row: "b" })])).toEqual(["I5"]);
  expect(broken([first, runs(25, {})])).toEqual(["I5"]);
  expect(broken([first, writes(24, "a"), runs(25, {})])).toEqual(["I5"]);
});

test("I5: a job is judged by the conf that its attempt was claimed for, whatever was released since", () => {
  const released = [second, decides(26, "second")];
  expect(broken([decides(25, "first"), released, runs(26, { of: "a", row: "a" })])).toEqual([]);
  expect(broken([decides(25, "first"), released, runs(26, { of: "a", row: "b" })])).toEqual(["I5"]);
});

test("liveness: another content of a release is uploaded within hours, and lies there at rest", () => {
  const until = [decides(25, "first"), ...runs(25, { row: "a" }), second, decides(26, "second")];
  expect(broken([until, runs(27, { run: 2, of: "b", row: "b" }), rests])).toEqual([]);
  expect(broken([until, rests])).toEqual(["liveness"]);
  expect(broken([until, runs(40, { run: 2, of: "b", row: "b" }), rests])).toEqual(["liveness"]);
  const again = runs(27, { run: 2, of: "b", row: "b" });
  expect(broken([until, again, writes(30, "a", 1), rests])).toEqual(["liveness"]);
});

test("liveness: the day that is over has a task", () => {
  expect(broken([decides(25, "first"), rests])).toEqual(["liveness"]);
});

test("what an attempt of the next day left half-way is not the row of the day that is over", () => {
  const id = "t.a/metadata-upload@1970-01-02";
  const next = { run: 2, attempt: 1, jobId: "job-2" };
  const of = { run: 2, of: "a", id };
  const halfWay = (state: TaskState): At[] => [
    taskAt(48, { kind: "launching", ...next, by: "d", submitBy: 0 }, of),
    [48.1, { kind: "job-begun", ...next, task: id }],
    writes(48.2, "half of a", 2),
    [48.3, { kind: "job-ended", jobId: "job-2", state: "failed" }],
    taskAt(48.4, state, of),
    [50, { kind: "ended", unacked: 0, deadLetters: [] }],
  ];
  const until = [decides(25, "first"), ...runs(25, { row: "a" })];
  expect(broken([until, halfWay({ kind: "retrying", run: 2, notBefore: 0 })])).toEqual([]);
  const failed = halfWay({ kind: "failed", run: 2, at: 0, reason: "" });
  expect(broken([until, failed])).toEqual([]);
  const byHand = writes(49, "by hand", 3);
  const rests50: At = [50, { kind: "ended", unacked: 0, deadLetters: [] }];
  expect(broken([until, byHand, rests50])).toContain("liveness");
});
