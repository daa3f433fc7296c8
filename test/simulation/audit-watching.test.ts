import { describe, expect, test } from "vitest";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import { Settings } from "../../schemas/settings.ts";
import type { TaskState } from "../../schemas/tasks.ts";
import { audit } from "./audit.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";

const day = "2025-10-02";
const wanted: Wanted = { steps: [], tables: [], streams: [], metadata: null };
const watching = { alerts: AlertSettings.parse({}), routes: { t: ["pager"] } };
const endedAt = Date.parse(`${day}T01:00:00Z`);
const hourMs = 3_600_000;

type At = readonly [hours: number, happening: Happening];

/** Promises broken by what happens at hours of that day, in which people are told. */
function broken(...happenings: readonly At[]): string[] {
  const settings = Settings.parse({});
  const begun = { kind: "begun", settings, wanted, perMinute: null, watching } as const;
  const start = Date.parse(`${day}T00:00:00Z`);
  const all: readonly At[] = [[0, begun], ...happenings];
  const trace = all.map(([hours, one]): TraceEntry => ({ at: start + hours * hourMs, ...one }));
  return [...new Set(audit(trace).map(({ promise }) => promise))];
}

let commits = 0;
const stored = (hours: number, id: string, body: object | null): At => {
  const document = { id: id as "alerting/open", body: body as never };
  return [hours, { kind: "stored", commit: (commits += 1), by: "tracker 1", ...document }];
};

describe("metrics: a row for every attempt that ended", () => {
  const attempt = {
    attempt: 1,
    jobId: "job",
    claimedAt: 0,
    startedAt: null,
    error: null,
    log: null,
  };
  const succeeded = { ...attempt, endedAt, outcome: "succeeded", blame: null };
  const state = { kind: "skipped", because: "", at: 0 } as const satisfies TaskState;
  const task = `t.a/backfill@${day}`;
  const held = (hours: number, { attempts }: { readonly attempts: readonly object[] }): At =>
    stored(hours, `tasks/${task}`, {
      id: task,
      step: "t.a/backfill",
      config: "t.a",
      team: "t",
      start: day,
      end: day,
      runs: [{ run: 1, because: "", at: 0, attempts }],
      state,
      requestedBy: [],
    });
  const ended = [
    held(0.5, { attempts: [{ ...attempt, endedAt: null, outcome: null, blame: null }] }),
    [0.6, { kind: "job-begun", jobId: "job", task, run: 1, attempt: 1 }],
    [0.9, { kind: "job-ended", jobId: "job", state: "succeeded" }],
    held(1, { attempts: [succeeded] }),
  ] as const;
  const counted = (...rows: readonly { jobId: string; day: string; state: string }[]): At => [
    48,
    { kind: "attempts-counted", rows },
  ];
  const row = { jobId: "job", day, state: "succeeded" };

  test("one, of how it ended and when", () => {
    expect(broken(...ended, counted(row))).toEqual([]);
  });

  test("none yet, while trackers that append every three hours may be about to", () => {
    const within = (hours: number): At => [hours, { kind: "attempts-counted", rows: [] }];
    expect(broken(...ended, within(4))).toEqual([]);
    expect(broken(...ended, within(5))).toEqual(["metrics"]);
  });

  test("none, two, one of a job that nobody knows, or one that says something else", () => {
    expect(broken(...ended, counted())).toEqual(["metrics"]);
    expect(broken(...ended, counted(row, row))).toEqual(["metrics"]);
    expect(broken(...ended, counted(row, { ...row, jobId: "other" }))).toEqual(["metrics"]);
    expect(broken(...ended, counted({ ...row, state: "failed" }))).toEqual(["metrics"]);
    expect(broken(...ended, counted({ ...row, day: "2025-10-03" }))).toEqual(["metrics"]);
  });
});

test("metrics: a row for every attempt of a stream that ended", () => {
  const attempt = { attempt: 1, jobId: "job", task: `t.a/streaming@${day}`, endedAt, asked: false };
  const ended = stored(1, "streams/t.a", {
    config: "t.a",
    attempts: [{ ...attempt, outcome: "succeeded" }],
  });
  const counted = (state: string | null): At => [
    48,
    { kind: "attempts-counted", rows: state === null ? [] : [{ jobId: "job", day, state }] },
  ];
  expect(broken(ended, counted("failed"))).toEqual([]);
  expect(broken(ended, counted("succeeded"))).toEqual(["metrics"]);
  expect(broken(ended, counted(null))).toEqual(["metrics"]);
});

describe("alerts: stored, then told, once, and closed when they are over", () => {
  const key = "dependency-late:t:1";
  const told = { change: "opened", count: 1, at: 0, unsent: null, refused: null } as const;
  const alert: AlertDocument = {
    schema: 1,
    key,
    kind: "dependency-late",
    team: "t",
    priority: "P3",
    state: "open",
    summary: "",
    details: [],
    count: 1,
    tasks: [],
    since: 0,
    quietSince: null,
    routes: {},
  };
  const opened = (hours: number, more: Partial<AlertDocument> = {}) =>
    stored(hours, `alerts/${key}`, { ...alert, ...more });
  const tells = (hours: number, change: "opened" | "updated" | "closed", count = 1): At => [
    hours,
    { kind: "told", route: "pager", alert: key, change, count },
  ];
  const heard = [opened(1), tells(1, "opened"), opened(1, { routes: { pager: told } })];
  const deleted = (hours: number) => stored(hours, `alerts/${key}`, null);
  const rests: At = [48, { kind: "ended", unacked: 0, deadLetters: [] }];

  test("what was told of more, before a late notice of fewer", () => {
    const of = (count: number) => ({ ...told, count });
    const rests3 = opened(30, { count: 3, routes: { pager: of(2) } });
    const heardOf = (...counts: readonly number[]) =>
      counts.map((count) => tells(1, "opened", count));
    expect(broken(opened(1, { count: 2 }), ...heardOf(2, 1), rests3, rests)).toEqual([]);
    expect(broken(opened(1), ...heardOf(1), rests3, rests)).toEqual(["alerts"]);
  });

  test("one that is open and was told, and one that is over", () => {
    expect(broken(...heard, rests)).toEqual([]);
    expect(broken(...heard, tells(5, "closed"), deleted(5), rests)).toEqual([]);
  });

  test("twice by two trackers at the same time is once", () => {
    expect(broken(...heard, tells(2, "opened"), rests)).toEqual([]);
  });

  test("told of before it was stored, again when that is stored, or long after it was over", () => {
    expect(broken(tells(1, "opened"), opened(1))).toEqual(["alerts"]);
    expect(broken(...heard, tells(9, "opened"))).toEqual(["alerts"]);
    expect(broken(...heard, tells(9, "updated"))).toEqual(["alerts"]);
    expect(broken(...heard, tells(9, "updated", 2))).toEqual([]);
    expect(broken(...heard, deleted(2), tells(9, "opened"))).toEqual(["alerts"]);
  });

  test("never told, told of too few, or not told that it is over", () => {
    expect(broken(opened(1, { routes: { pager: told } }), rests)).toEqual(["alerts"]);
    expect(broken(...heard, opened(3, { count: 2, routes: { pager: told } }), rests)).toEqual([
      "alerts",
    ]);
    expect(broken(...heard, deleted(5), rests)).toEqual(["alerts"]);
    expect(broken(...heard, opened(5, { state: "closed" }), rests)).toEqual(["alerts"]);
  });

  test("over and told of, the next look deletes it", () => {
    const over = { state: "closed", routes: { pager: { ...told, change: "closed" } } } as const;
    const closedAt = (hours: number) => [tells(hours, "closed"), opened(hours, over)];
    expect(broken(...heard, ...closedAt(47.98), rests)).toEqual([]);
    expect(broken(...heard, ...closedAt(47.9), rests)).toEqual(["alerts"]);
  });

  const id = `t.a/backfill@${day}`;
  const step = { id: "t.a/backfill", config: "t.a", mode: "backfill", scheduled: true, inputs: [] };
  const more = { after: [], output: null, effect: "none", latestOnly: false, readByOthers: false };
  const release: At = [
    0,
    {
      kind: "released",
      release: "r",
      wanted: { ...wanted, steps: [{ ...step, ...more, effect: "none", stepDays: 1 }] },
    },
  ];
  const job: At = [0, { kind: "job-begun", jobId: "job", task: id, run: 1, attempt: 1 }];
  const task = (hours: number, state: TaskState) => {
    const attempts = [{ attempt: 1, jobId: "job", endedAt: null }];
    const runs = [{ run: 1, because: "", at: 0, attempts }];
    const named = { id, step: step.id, config: "t.a", team: "t", start: day, end: day };
    return stored(hours, `tasks/${id}`, { ...named, state, runs, requestedBy: [], why: "" });
  };
  const failed = { kind: "failed", run: 1, at: 0, reason: "" } as const;
  const cancelled = { kind: "cancelled", run: 1, at: 0 } as const;

  test("a failure of which nobody is told, or that is over and open", () => {
    const of: Partial<AlertDocument> = { kind: "step-failed", tasks: [id] };
    const before = [release, task(0, failed), job];
    expect(broken(...before, rests)).toContain("alerts");
    expect(broken(...before, ...heard, rests)).toContain("alerts");
    const known = [
      opened(1, of),
      tells(1, "opened"),
      opened(1, { ...of, routes: { pager: told } }),
    ];
    expect(broken(...before, ...known, rests)).not.toContain("alerts");
    expect(broken(...before, ...known, task(20, cancelled), rests)).toContain("alerts");
    const over = (hours: number) =>
      task(hours, { ...cancelled, at: endedAt + (hours - 1) * hourMs });
    const late = [release, job, ...known, task(47, failed)];
    expect(broken(...late, over(47.9), rests)).toContain("alerts");
    expect(broken(...late, over(47.95), rests)).not.toContain("alerts");
    expect(broken(...before, task(20, cancelled))).toContain("alerts");
    expect(broken(...before, task(2, cancelled))).not.toContain("alerts");
  });

  test("a failure that was told of, and then heard to be over, was told; one of before its time was not", () => {
    const about = "step-failed:t:1";
    const said = (hours: number, change: "opened" | "closed"): readonly At[] => {
      const kept = { ...alert, key: about, kind: "step-failed", tasks: [id] };
      const state = change === "closed" ? "closed" : "open";
      const routes = { pager: { ...told, change } };
      return [
        stored(hours, `alerts/${about}`, { ...kept, state }),
        [hours, { kind: "told", route: "pager", alert: about, change, count: 1 }],
        stored(hours, `alerts/${about}`, { ...kept, state, routes }),
      ];
    };
    const forgotten = (hours: number) => stored(hours, `alerts/${about}`, null);
    const over = (hours: number) => [...said(hours, "closed"), forgotten(hours)];
    const fails = (hours: number) => [release, task(hours, failed), job];
    const ends = task(23, cancelled);
    expect(broken(...fails(0), ...said(1, "opened"), ...over(2), ends)).not.toContain("alerts");
    expect(broken(...said(1, "opened"), ...fails(2), ...over(9), ends)).not.toContain("alerts");
    expect(broken(...said(1, "opened"), ...over(2), ...fails(3), ends)).toContain("alerts");
    expect(broken(...said(1, "opened"), ...fails(2), ...over(3), ends)).toContain("alerts");
  });
});
