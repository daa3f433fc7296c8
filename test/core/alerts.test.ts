import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dueNotices, nextAlerts, toldNow, toldOf } from "../../core/alerts/changes.ts";
import { alertsFor } from "../../core/alerts/groups.ts";
import {
  ofFailed,
  ofLetters,
  ofProblems,
  ofRunning,
  type Signal,
} from "../../core/alerts/signals.ts";
import { causeOf } from "../../core/cause.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import type { Attempt, Task } from "../../schemas/tasks.ts";
import { task } from "../support/documents.ts";

const settings = AlertSettings.parse({});
const now = Date.parse("2025-10-01T06:00:00Z");
const minute = 60_000;

function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    attempt: 1,
    jobId: "landfall-1",
    claimedAt: now - 10 * minute,
    startedAt: null,
    endedAt: now,
    outcome: "failed",
    blame: "job",
    error: null,
    log: null,
    ...more,
  };
}

function failed(id: string, reason: string, more: Partial<Attempt> = {}): Task {
  return task(id, {
    state: { kind: "failed", run: 1, at: now, reason },
    runs: [{ run: 1, because: "inputs complete", at: now, attempts: [attempt(more)] }],
  });
}

function open(tasks: readonly Task[], known: readonly AlertDocument[] = [], at = now) {
  const signals = ofFailed(tasks, { now: at, settings });
  const wanted = alertsFor(signals, {
    settings,
    isOpen: (key) => known.some((a) => a.key === key),
  });
  return nextAlerts({
    wanted,
    known,
    unsettled: new Set(),
    unseen: new Set(),
    now: at,
    quietMs: 2 * minute,
  });
}

describe("one cause is one alert", () => {
  test("500 failures with one cause are one alert that says 500 and names the first few", () => {
    const tasks = Array.from({ length: 500 }, (_, n) =>
      failed(
        `risk.features_${n}.v1/upload@2025-09-30`,
        `risk.features_${n}.v1 failed: java.io.IOException: 10.0.0.${n} away, application_17${n}_0001`,
      ),
    );
    const alerts = open(tasks);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ kind: "step-failed", team: "risk", count: 500 });
    expect(alerts[0]?.summary).toContain("500 tasks of risk failed");
    expect(alerts[0]?.details).toHaveLength(6);
    expect(alerts[0]?.details.at(-1)).toBe("and 495 more");
  });

  test("a backfill of one step that fails 500 times is one alert of that step", () => {
    const days = Array.from({ length: 500 }, (_, n) => new Date(now - n * 86_400_000));
    const tasks = days.map((day) =>
      failed(`risk.a.v1/backfill@${day.toISOString().slice(0, 10)}`, "exit code 1"),
    );
    const [alert, ...more] = open(tasks);
    expect(more).toEqual([]);
    expect(alert?.summary).toBe("500 tasks of risk.a.v1/backfill failed: exit code #");
  });

  test("different errors, teams and kinds are different alerts; one step's failure names it", () => {
    const alerts = open([
      failed("risk.a/upload@2025-09-30", "out of memory"),
      failed("risk.a/upload@2025-09-29", "no such column"),
      { ...failed("growth.a/upload@2025-09-30", "out of memory"), team: "growth" },
      failed("risk.b/backfill@2025-09-30", "exit 0, nothing written: out.b has no 2025-09-30"),
    ]);
    expect(alerts.map(({ kind, team, count }) => `${kind} ${team} ${count}`).toSorted()).toEqual([
      "nothing-written risk 1",
      "step-failed growth 1",
      "step-failed risk 1",
      "step-failed risk 1",
    ]);
    expect(alerts.map(({ summary }) => summary)).toContain(
      "task failed: risk.a/upload@2025-09-30: out of memory",
    );
  });

  test("where the log is stands in the details, not in the summary", () => {
    const [alert] = open([failed("risk.a/upload@2025-09-30", "no", { log: "gs://logs/1" })]);
    expect(alert?.summary).toBe("task failed: risk.a/upload@2025-09-30: no");
    expect(alert?.details).toEqual(["risk.a/upload@2025-09-30: no (gs://logs/1)"]);
  });

  test("what lies below the steps is one alert of the team however few they are", () => {
    const below = { blame: "infrastructure" } as const;
    const alerts = open([
      failed("risk.a/upload@2025-09-30", "cluster is gone", below),
      failed("risk.b/upload@2025-09-30", "cluster is gone", below),
    ]);
    expect(alerts.map(({ count }) => count)).toEqual([2]);
  });

  test("a storm that grows leaves told alerts as they are, and puts the rest into one", () => {
    const steps = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const tasks = steps.map((name) => failed(`risk.${name}/upload@2025-09-30`, "exit code 1"));
    let known: readonly AlertDocument[] = [];
    for (let count = 1; count <= tasks.length; count += 1)
      known = open(tasks.slice(0, count), known);
    expect(known.map(({ count }) => count).reduce((a, b) => a + b)).toBe(tasks.length);
    expect(known.every(({ state }) => state === "open")).toBe(true);
    const all = open(tasks);
    expect(all.map(({ count }) => count)).toEqual([8]);
  });

  test("a cause is an error without digits, ids and names", () => {
    const one =
      "landfall-d83fc9239fa3424da29ea9baa43656d623bcb8d8: table out.risk_a_v1 at 2025-09-30";
    const two =
      "landfall-eb311c5dedccc9e9217824752d6b52246ac66814: table out.risk_b_v1 at 2025-10-01";
    expect(causeOf(one, ["risk.a.v1"])).toBe(causeOf(two, ["risk.b.v1"]));
    expect(causeOf("id 0f8fad5b-d9cb-469f-a165-70867728950e")).toBe("id #");
    expect(causeOf("a facade decade feedface")).toBe("a facade decade feedface");
    expect(causeOf("x".repeat(10_000))).toHaveLength(300);
  });
});

describe("A1: an alert lives as long as its cause", () => {
  const id = "risk.a/upload@2025-09-30";
  const failure = failed(id, "out of memory");
  const after = (known: readonly AlertDocument[], at: number, unsettled: readonly string[] = []) =>
    nextAlerts({
      wanted: [],
      known,
      unsettled: new Set(unsettled),
      unseen: new Set(),
      now: at,
      quietMs: 2 * minute,
    });

  test("not closed while its task is tried again, nor before its cause was gone for a while", () => {
    const opened = open([failure]);
    const trying = after(opened, now + minute, [id]);
    expect(trying).toEqual(opened);
    const quiet = after(trying, now + 2 * minute);
    expect(quiet[0]).toMatchObject({ state: "open", quietSince: now + 2 * minute });
    expect(after(quiet, now + 3 * minute)[0]?.state).toBe("open");
    expect(after(quiet, now + 4 * minute)[0]?.state).toBe("closed");
  });

  test("not over because its kind could not be looked at", () => {
    const opened = open([failure]);
    const unseen = new Set(["step-failed"] as const);
    const options = { wanted: [], known: opened, unsettled: new Set<string>(), unseen };
    expect(nextAlerts({ ...options, now: now + 60 * minute, quietMs: 0 })).toEqual(opened);
  });

  test("fails again before it was closed: the same alert goes on", () => {
    const quiet = after(open([failure]), now + minute);
    expect(open([failure], quiet, now + 2 * minute)).toEqual(open([failure]));
  });

  test("comes back after it was closed: every route hears of it anew, whatever it was told", () => {
    const told = { change: "opened", count: 1, at: now, unsent: null, refused: null } as const;
    const opened = open([failure]).map((alert) => ({ ...alert, routes: { r: told } }));
    const closed = after(after(opened, now + minute), now + 4 * minute);
    expect(closed[0]?.state).toBe("closed");
    const [again] = open([failure], closed, now + 5 * minute);
    expect(again?.state).toBe("open");
    expect(again && dueNotices(again, ["r"])).toEqual([{ route: "r", change: "opened" }]);
  });

  test("a failure that nobody saw to for a week is not alerted of", () => {
    const days = 86_400_000;
    expect(ofFailed([failure], { now: now + 7 * days, settings })).toHaveLength(1);
    expect(ofFailed([failure], { now: now + 7 * days + 1, settings })).toEqual([]);
  });
});

describe("what a route is still to be told", () => {
  const [alert] = open([failed("risk.a/upload@2025-09-30", "out of memory")]);
  if (alert === undefined) throw new Error("no alert");
  const taken = (of: AlertDocument, change: "opened" | "updated" | "closed"): AlertDocument => {
    const told = toldNow(toldOf(of, "r"), { kind: "taken" }, { change, count: of.count, now });
    return { ...of, routes: { r: told } };
  };

  test("that it is open, once; that it grew, when it doubled; that it is over, once", () => {
    expect(dueNotices(alert, ["r"])).toEqual([{ route: "r", change: "opened" }]);
    const told = taken({ ...alert, count: 3 }, "opened");
    expect(dueNotices(told, ["r"])).toEqual([]);
    expect(dueNotices({ ...told, count: 5 }, ["r"])).toEqual([]);
    expect(dueNotices({ ...told, count: 6 }, ["r"])).toEqual([{ route: "r", change: "updated" }]);
    expect(dueNotices({ ...told, count: 1 }, ["r"])).toEqual([]);
    const closed: AlertDocument = { ...told, state: "closed" };
    expect(dueNotices(closed, ["r"])).toEqual([{ route: "r", change: "closed" }]);
    expect(dueNotices(taken(closed, "closed"), ["r"])).toEqual([]);
    expect(dueNotices({ ...taken(closed, "closed"), state: "open" }, ["r"])).toEqual([
      { route: "r", change: "opened" },
    ]);
  });

  test("a route that never said it had heard of it may have, and hears that it is over", () => {
    const due = [{ route: "r", change: "closed" }];
    expect(dueNotices({ ...alert, state: "closed" }, ["r"])).toEqual(due);
    const sent = { change: "opened", count: 1, now } as const;
    const lost = toldNow(toldOf(alert, "r"), { kind: "unanswered", reason: "no answer" }, sent);
    expect(dueNotices({ ...alert, state: "closed", routes: { r: lost } }, ["r"])).toEqual(due);
  });

  test("what was not answered is due again, and its first reason and time are kept", () => {
    const sent = { change: "opened", count: 1, now } as const;
    const away = toldNow(toldOf(alert, "r"), { kind: "unanswered", reason: "down" }, sent);
    expect(away.unsent).toEqual({ since: now, reason: "down" });
    const later = { kind: "unanswered", reason: "still down" } as const;
    expect(toldNow(away, later, { ...sent, now: now + 1 })).toBe(away);
    expect(dueNotices({ ...alert, routes: { r: away } }, ["r"])).toHaveLength(1);
    expect(toldNow(away, { kind: "taken" }, sent)).toMatchObject({
      change: "opened",
      unsent: null,
    });
  });
});

test("A2: looking again at the same changes nothing, whatever is wrong", () => {
  const signal = fc.record<Signal>({
    kind: fc.constantFrom("step-failed", "sla-missed"),
    team: fc.constantFrom("risk", "growth"),
    subject: fc.constantFrom(null, "a", "b", "c", "d", "e"),
    cause: fc.constantFrom("x", "y"),
    line: fc.string(),
    since: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(fc.array(signal, { maxLength: 20 }), { maxLength: 5 }), (looks) => {
      let known: readonly AlertDocument[] = [];
      const look = (signals: readonly Signal[]) => {
        const isOpen = (key: string) => known.some((a) => a.key === key);
        const wanted = alertsFor(signals, { settings, isOpen });
        expect(wanted.map(({ count }) => count).reduce((a, b) => a + b, 0)).toBe(signals.length);
        expect(new Set(wanted.map(({ key }) => key)).size).toBe(wanted.length);
        return nextAlerts({
          wanted,
          known,
          unsettled: new Set(),
          unseen: new Set(),
          now,
          quietMs: minute,
        });
      };
      for (const signals of looks) {
        known = look(signals);
        const again = look(signals);
        expect(again).toEqual(known);
      }
    }),
  );
});

test("a job that runs long, a config that was rejected and a dead letter are signals", () => {
  const running = (ms: number): Task =>
    task("risk.a/upload@2025-09-30", {
      state: { kind: "running", run: 1, attempt: 1, jobId: "landfall-1", timeoutAt: now + 1 },
      runs: [{ run: 1, because: "", at: now, attempts: [attempt({ claimedAt: now - ms })] }],
    });
  const own = AlertSettings.parse({ runningLong: { minutes: 60, modes: { upload: 90 } } });
  expect(ofRunning([running(90 * minute - 1)], { now, settings: own })).toEqual([]);
  expect(ofRunning([running(90 * minute)], { now, settings: own })).toMatchObject([
    { kind: "running-long", since: now },
  ]);
  const problems = ofProblems(
    [
      { severity: "error", file: "group_bys/risk/a.v1", config: "risk.a.v1", message: "no source" },
      { severity: "error", file: "production/joins/growth/b.v1", message: "is not JSON" },
      { severity: "warning", file: "group_bys/risk/c.v1", message: "deprecated" },
    ],
    now,
  );
  expect(problems.map(({ team }) => team)).toEqual(["risk", "growth"]);
  const letters = [
    { id: "1", reason: "decide threw", at: now },
    { id: "2", reason: "decide threw", at: 0 },
  ];
  expect(ofLetters(letters, { now, settings })).toMatchObject([{ line: "1: decide threw" }]);
});
