import { describe, expect, test } from "vitest";
import { type Expectation, expectations } from "../../core/alerts/expectations.ts";
import { draftOver, type Known } from "../../core/draft.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { TaskState } from "../../schemas/tasks.ts";
import { landings, task } from "../support/documents.ts";
import { input, planOf, step } from "../support/plan.ts";

const hour = 3_600_000;
const endOf30th = Date.parse("2025-10-01T00:00:00Z");

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

describe("not done by its SLA", () => {
  const plan = planOf(step("a", []), step("b", [], { schedule: null }));
  const settings = AlertSettings.parse({ sla: { hours: 6 } });
  const at = (now: number) => expectations({ plan, settings, now });

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
      unmet(expectations({ plan, settings: of, now: endOf30th + 12 * hour })).map((s) => s.since);
    expect(since(own)).toEqual([endOf30th + 2 * hour]);
    expect(since(mode)).toEqual([endOf30th + 3 * hour]);
    expect(since(AlertSettings.parse({}))).toEqual([]);
  });

  test("a step whose cron lets it start later is not late before that", () => {
    const weekly = planOf(step("a", [], { schedule: "0 8 * * *" }));
    const now = endOf30th + 7 * hour;
    expect(expectations({ plan: weekly, settings, now })).toEqual([]);
    expect(expectations({ plan: weekly, settings, now: now + hour })).toHaveLength(1);
  });
});

describe("a dependency that is late", () => {
  const plan = planOf(
    step("a", [input("db.events")]),
    step("b", [input("db.events", { startOffset: "P1D", endOffset: "P1D" }), input("out.a")]),
    step("c", [input("db.events")], { team: "growth" }),
  );
  const settings = AlertSettings.parse({ late: { hours: 2, tables: { "db.slow": 48 } } });
  const found = expectations({ plan, settings, now: endOf30th + 2 * hour });

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
  });

  test("is not late once it has landed", () => {
    const landing = { version: { epoch: 0, n: 1 }, at: 0, seenBy: "delta" } as const;
    const of = (state: "landed" | "gone") =>
      ({
        "landings/db.events@2025-09": landings("db.events", {
          partitions: { "2025-09-30": { state, ...landing } },
        }),
      }) as Told;
    expect(unmet(found, of("landed"))).toEqual([]);
    expect(unmet(found, of("gone"))).toHaveLength(2);
  });
});

test("a GroupBy is stale when no batch of the last two days is loaded", () => {
  const kv = step("a", [], { mode: "upload-to-kv", output: "" });
  const settings = AlertSettings.parse({});
  const at = (now: number) => expectations({ plan: planOf(kv), settings, now });
  const told = done("a/upload-to-kv@2025-09-28");
  expect(unmet(at(endOf30th - 1), told)).toEqual([]);
  const stale = unmet(at(endOf30th + 24 * hour), told);
  expect(stale).toMatchObject([{ kind: "serving-stale", since: endOf30th + 24 * hour }]);
  expect(unmet(at(endOf30th + 24 * hour - 1), done("a/upload-to-kv@2025-09-29"))).toEqual([]);
  expect(at(endOf30th)[0]?.afterFirst).toBe("a/upload-to-kv");
});
