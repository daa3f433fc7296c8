import { describe, expect, test } from "vitest";
import type { Expectation, Expecting } from "../../core/alerts/expectation.ts";
import { expectations } from "../../core/alerts/expectations.ts";
import { draftOver, type Known } from "../../core/draft.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import type { TaskState } from "../../schemas/tasks.ts";
import { landings, task } from "../support/documents.ts";
import { input, planOf, step } from "../support/plan.ts";

const hour = 3_600_000;
const endOf30th = Date.parse("2025-10-01T00:00:00Z");

/** What is expected, of tables as they are without settings and with no alert open, unless told otherwise. */
const expected = (asked: Pick<Expecting, "plan" | "settings" | "now"> & Partial<Expecting>) =>
  expectations({ closing: Settings.parse({}), held: [], ...asked });

type Told = Readonly<Record<DocumentId, Known["body"]>>;

function unmet(found: readonly Expectation[], told: Told = {}) {
  const known = new Map<DocumentId, Known>();
  for (const id of found.flatMap(({ documents }) => documents)) {
    const body = told[id] ?? null;
    known.set(id, body === null ? { version: null, body: null } : { version: "1", body });
  }
  const view = draftOver(known);
  return found.filter(({ met }) => !met(view)).map(({ signal }) => signal(view));
}

const done = (id: string, kind: TaskState["kind"] = "succeeded") =>
  ({
    [`tasks/${id}`]: task(id, {
      state:
        kind === "succeeded"
          ? { kind, run: 1, at: 0, remark: null }
          : { kind: "failed", run: 1, at: 0, reason: "it broke" },
    }),
  }) as Told;

const landing = {
  state: "landed",
  version: { epoch: 0, n: 1 },
  at: Date.parse("2025-09-01T00:00:00Z"),
  seenBy: "delta",
} as const;

/** A table whose days of September landed, by files. */
const seen = (table: string, ...days: readonly string[]) =>
  ({
    [`landings/${table}@2025-09`]: landings(table, {
      partitions: Object.fromEntries(days.map((day) => [day, landing])),
    }),
  }) as Told;

describe("not done by its SLA", () => {
  const plan = planOf(step("a", []), step("b", [], { schedule: null }));
  const settings = AlertSettings.parse({ sla: { hours: 6 } });
  const at = (now: number) => expected({ plan, settings, now });

  test("of each scheduled step the newest day whose time has come", () => {
    expect(unmet(at(endOf30th + 6 * hour)).map(({ line }) => line)).toEqual([
      "a/backfill@2025-09-30: not done 6 h after its day; not begun",
    ]);
    expect(unmet(at(endOf30th + 6 * hour - 1))[0]?.line).toContain("@2025-09-29");
    expect(unmet(at(endOf30th + 6 * hour), done("a/backfill@2025-09-30"))).toEqual([]);
    expect(unmet(at(endOf30th + 6 * hour), done("a/backfill@2025-09-30", "failed"))).toHaveLength(
      1,
    );
  });

  test("the team's promise goes before the mode's, the mode's before the general one", () => {
    const own = AlertSettings.parse({ sla: { modes: { backfill: 3 }, teams: { risk: 2 } } });
    const mode = AlertSettings.parse({ sla: { hours: 9, modes: { backfill: 3 } } });
    const since = (of: AlertSettings) =>
      unmet(expected({ plan, settings: of, now: endOf30th + 12 * hour })).map((s) => s.since);
    expect(since(own)).toEqual([endOf30th + 2 * hour]);
    expect(since(mode)).toEqual([endOf30th + 3 * hour]);
    expect(since(AlertSettings.parse({}))).toEqual([]);
  });

  test("a step whose cron lets it start later is not late before that", () => {
    const weekly = planOf(step("a", [], { schedule: "0 8 * * *" }));
    const now = endOf30th + 7 * hour;
    expect(expected({ plan: weekly, settings, now })).toEqual([]);
    expect(expected({ plan: weekly, settings, now: now + hour })).toHaveLength(1);
  });
});

describe("a dependency that is late", () => {
  const plan = planOf(
    step("a", [input("db.events")]),
    step("b", [input("db.events", { startOffset: "P1D", endOffset: "P1D" }), input("out.a")]),
    step("c", [input("db.events")], { team: "growth" }),
  );
  const settings = AlertSettings.parse({ late: { tables: { "db.events": 2 } } });
  const now = endOf30th + 2 * hour;
  const found = expected({ plan, settings, now });
  const lines = (asked: Parameters<typeof expected>[0], told: Told = {}) =>
    unmet(expected(asked), told).map(({ line }) => line.split(";")[0]);

  test("each external table once per team, at the latest partition that a due day reads", () => {
    expect(unmet(found).map(({ team, subject, line }) => [team, subject, line])).toEqual([
      [
        "risk",
        "db.events",
        "db.events@2025-09-30: not there 2 h after the day it is for; read by a/backfill, b/backfill",
      ],
      [
        "growth",
        "db.events",
        "db.events@2025-09-30: not there 2 h after the day it is for; read by c/backfill",
      ],
    ]);
    const early = planOf(step("a", [input("db.events")], { from: "2025-10-01" }));
    expect(lines({ plan: early, settings, now })).toEqual([]);
  });

  test("is not late once it has landed", () => {
    expect(unmet(found, seen("db.events", "2025-09-30"))).toEqual([]);
    const gone = { "2025-09-30": { ...landing, state: "gone" as const } };
    expect(
      unmet(found, { "landings/db.events@2025-09": landings("db.events", { partitions: gone }) }),
    ).toHaveLength(2);
  });

  test("is late as long as its readers wait for the word that closes it", () => {
    const of = (closing: object, told: Told = seen("db.events", "2025-09-30")) =>
      lines(
        { plan, settings, now, closing: Settings.parse({ tables: { "db.events": { closing } } }) },
        told,
      )[0];
    const open = (because: string) =>
      `db.events@2025-09-30: open (${because}) 2 h after the day it is for`;
    expect(of({ when: "marker" })).toBe(open("no _SUCCESS was seen"));
    expect(of({ when: "manual" })).toBe(open("nobody has said it is complete"));
    expect(of({ when: "next" })).toBe(open("the following day has no data yet"));
    const month = { month: "2025-10", partitions: { "2025-10-01": landing } };
    const next = { "landings/db.events@2025-10": landings("db.events", month) };
    expect(of({ when: "next" }, { ...seen("db.events", "2025-09-30"), ...next })).toBeUndefined();
  });

  test("a day that an alert is open for is looked at until it is there, or for `forgetDays`", () => {
    const held = [{ team: "risk", table: "db.events", partition: "2025-09-28" }];
    const later = (days: number) => now + days * 24 * hour;
    const landedSince = seen("db.events", "2025-09-29", "2025-09-30");
    const risk = planOf(step("a", [input("db.events")]));
    expect(lines({ plan: risk, settings, now }, landedSince)).toEqual([]);
    expect(lines({ plan: risk, settings, now, held }, landedSince)).toEqual([
      "db.events@2025-09-28: not there 2 h after the day it is for",
    ]);
    const all = seen("db.events", "2025-09-28", "2025-09-29", "2025-09-30");
    expect(lines({ plan: risk, settings, now, held }, all)).toEqual([]);
    const days = (at: number) =>
      expected({ plan: risk, settings, now: at, held }).map(({ key }) => key.split("@")[1]);
    expect(days(later(5))).toEqual(["2025-10-05", "2025-09-28"]);
    expect(days(later(5) + 1)).toEqual(["2025-10-05"]);
  });

  test("not of a table that left the plan, is written by it now, or may come when it likes", () => {
    const held = [{ team: "risk", table: "db.events", partition: "2025-09-28" }];
    const keys = (asked: Partial<Expecting>) =>
      expected({ plan, settings, now, held, ...asked })
        .map(({ key }) => key)
        .filter((key) => key.includes("risk db.events"));
    expect(keys({})).toHaveLength(2);
    expect(keys({ plan: planOf(step("a", [input("db.other")])) })).toEqual([]);
    const writes = step("w", [], { output: "db.events" });
    expect(keys({ plan: planOf(writes, step("a", [input("db.events")])) })).toEqual([]);
    const off = AlertSettings.parse({ late: { tables: { "db.events": null } } });
    expect(keys({ settings: off })).toEqual([]);
  });
});

describe("of tables that are not named, those that land daily are late", () => {
  const plan = planOf(step("a", [input("db.events")]));
  const day = (n: number) => `2025-09-${n}`;
  const late = (told: Told, more: { late?: object; closing?: object; hours?: number } = {}) =>
    unmet(
      expected({
        plan,
        settings: AlertSettings.parse({ late: more.late ?? {} }),
        closing: Settings.parse({ externalClosing: more.closing ?? { when: "at-end" } }),
        now: endOf30th + (more.hours ?? 24) * hour,
      }),
      told,
    ).length;

  test("a day after the end of theirs, when they landed for the same weekday of the week before", () => {
    expect(late(seen("db.events", day(23)))).toBe(1);
    expect(late(seen("db.events", day(23)), { hours: 23 })).toBe(0);
    expect(late(seen("db.events", day(23), day(30)))).toBe(0);
  });

  test("none of a fresh deployment, one that lands on other days, or when it is switched off", () => {
    expect(late({})).toBe(0);
    expect(late(seen("db.events", day(22), day(29)))).toBe(0);
    expect(late(seen("db.events", day(23)), { late: { hours: null } })).toBe(0);
    expect(late(seen("db.events", day(23)), { late: { tables: { "db.events": null } } })).toBe(0);
  });

  test("not before their closing lets them be there", () => {
    const week = seen("db.events", day(23));
    const slow = { when: "at-end", delayMs: 30 * hour, settleMs: 0 };
    expect(late(week, { closing: slow, hours: 29 })).toBe(0);
    expect(late(week, { closing: slow, hours: 30 })).toBe(1);
    expect(late(seen("db.events", day(23), day(30)), { closing: slow, hours: 30 })).toBe(0);
    expect(late(week, { closing: { when: "next" }, hours: 47 })).toBe(0);
    expect(late(week, { closing: { when: "next" }, hours: 48 })).toBe(1);
  });
});

describe("who waits for a late table", () => {
  const settings = AlertSettings.parse({ late: { tables: { "db.events": 2 } } });
  const waits = (of: PlanStep | readonly PlanStep[], told: Told) => {
    const [found] = expected({
      plan: planOf(...[of].flat()),
      settings,
      now: endOf30th + 30 * hour,
      held: [{ team: "risk", table: "db.events", partition: "2025-09-28" }],
    }).filter(({ key }) => key.endsWith("@2025-09-28"));
    return (found?.waiters ?? []).map((waiter) => {
      const known = new Map(
        waiter.documents.map((id): [DocumentId, Known] => {
          const body = told[id] ?? null;
          return [id, body === null ? { version: null, body } : { version: "1", body }];
        }),
      );
      return waiter.waits(draftOver(known));
    });
  };

  test("a task that has not ended; of an upload, none of which a newer day is done", () => {
    const every = step("a", [input("db.events", { startOffset: "P1D", endOffset: "P1D" })]);
    expect(waits(every, {})).toEqual([true]);
    expect(waits(every, done("a/backfill@2025-09-28", "failed"))).toEqual([true]);
    expect(waits(every, done("a/backfill@2025-09-29", "failed"))).toEqual([false]);
    expect(waits(every, done("a/backfill@2025-09-30"))).toEqual([true]);
    const upload = step("a", [input("db.events")], { mode: "upload", strategy: "latest-only" });
    expect(waits(upload, {})).toEqual([true]);
    expect(waits(upload, done("a/upload@2025-09-30"))).toEqual([false]);
    const elsewhere = step("z", [input("out.a")]);
    expect(waits([upload, elsewhere], done("a/upload@2025-09-30"))).toEqual([true]);
  });
});

test("a GroupBy is stale when no batch of the last two days is loaded", () => {
  const kv = step("a", [], { mode: "upload-to-kv", output: "" });
  const settings = AlertSettings.parse({});
  const at = (now: number) => expected({ plan: planOf(kv), settings, now });
  const told = done("a/upload-to-kv@2025-09-28");
  expect(unmet(at(endOf30th - 1), told)).toEqual([]);
  const stale = unmet(at(endOf30th + 24 * hour), told);
  expect(stale).toMatchObject([{ kind: "serving-stale", since: endOf30th + 24 * hour }]);
  expect(unmet(at(endOf30th + 24 * hour - 1), done("a/upload-to-kv@2025-09-29"))).toEqual([]);
  expect(at(endOf30th)[0]?.afterFirst).toBe("a/upload-to-kv");
});
