import { describe, expect, test } from "vitest";
import { indexPlan } from "../../core/plan-index.ts";
import type { Plan } from "../../schemas/plan.ts";
import { compileFiles, file, groupBy, join, stagingQuery } from "../support/configs.ts";
import { world } from "../support/world.ts";

const settled = { externalClosing: { when: "at-landing" } } as const;
const day = "2025-09-30";
const endOfDay = Date.parse("2025-10-01T00:00:00Z");
const hour = 3_600_000;

const joined = (executionInfo: object) =>
  compileFiles([file("joins", join("risk.j", {}, { executionInfo }))]);
const of = (plan: Plan, start = endOfDay) => world(indexPlan(plan), settled, { start });
const task = `risk.j/backfill@${day}`;

describe("when a join with an offline schedule is filled", () => {
  test("@daily: the moment its inputs are complete", () => {
    const w = of(joined({ offlineSchedule: "@daily" }));
    w.land("data.checkouts", day);
    expect(w.state(task)).toBe("launching");
  });

  test("a cron: not before its first firing after the day, and then by itself", () => {
    const w = of(joined({ offlineSchedule: "0 4 * * *" }));
    w.land("data.checkouts", day);
    expect(w.why(task)).toContain("its schedule 0 4 * * * (UTC) lets it start later");
    expect(w.task(task)?.wakeAt).toBe(endOfDay + 4 * hour);
    w.pass(4 * hour);
    w.wake(task);
    expect(w.state(task)).toBe("launching");
  });

  test("a cron: with inputs that come later, the moment they do", () => {
    const w = of(joined({ offlineSchedule: "0 4 * * *" }), endOfDay + 5 * hour);
    w.land("data.checkouts", day);
    expect(w.state(task)).toBe("launching");
  });

  test("@never: only on command, which no cron holds back either", () => {
    const w = of(joined({ offlineSchedule: "@never" }));
    w.land("data.checkouts", day);
    expect(w.task(task)).toBeNull();
    for (const offlineSchedule of ["@never", "0 4 * * *"]) {
      const asked = of(joined({ offlineSchedule }));
      asked.land("data.checkouts", day);
      asked.nudge(backfill("risk.j", day, day));
      expect(asked.state(task)).toBe("launching");
    }
  });
});

function backfill(target: string, start: string, end: string) {
  const asked = { kind: "backfill-requested", schema: 1, id: "c", by: "ann", at: 0 } as const;
  return { kind: "command", command: { ...asked, target, start, end } } as const;
}

describe("a job that fills only the last day of its range", () => {
  const none = { stepDays: 30, historicalBackfill: 0 };
  const all = { stepDays: 30 };
  const ranges = (plan: Plan, config: string) => {
    const w = of(plan, Date.parse("2025-10-05T00:00:00Z"));
    w.nudge(backfill(config, "2025-09-28", "2025-09-30"));
    return w.tasks().map(({ start, end }) => `${start}..${end}`);
  };
  const single = ["28", "29", "30"].map((d) => `2025-09-${d}..2025-09-${d}`);

  test("is never given more than one: a join without historical backfill, an airbnb GroupBy", () => {
    expect(ranges(joined(none), "risk.j")).toEqual(single);
    const old = file("group_bys", groupBy("risk.gb", {}, { historicalBackfill: 0 }), {
      root: "production",
    });
    expect(ranges(compileFiles([old]), "risk.gb")).toEqual(single);
  });

  test("others are: joins with it, zipline's GroupBys either way, staging queries", () => {
    const together = ["2025-09-28..2025-09-30"];
    expect(ranges(joined(all), "risk.j")).toEqual(together);
    const gb = file("group_bys", groupBy("risk.gb", {}, { executionInfo: none }));
    expect(ranges(compileFiles([gb]), "risk.gb")).toEqual(together);
    const sq = file("staging_queries", stagingQuery("risk.sq", {}, { executionInfo: none }));
    expect(ranges(compileFiles([sq]), "risk.sq")).toEqual(together);
  });
});
