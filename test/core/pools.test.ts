import { describe, expect, test } from "vitest";
import { explainTask, withQueue } from "../../core/explain.ts";
import { poolLimits } from "../../core/pool-limits.ts";
import { Settings } from "../../schemas/settings.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const settled = { externalClosing: { when: "at-landing" } } as const;
const day = "2025-09-30";

const three = planOf(
  step("a", [input("data.events")]),
  step("b", [input("data.events")], { team: "growth" }),
  step("c", [input("data.events")]),
);
const settings = (more: object) => Settings.parse({ ...settled, ...more });

describe("which pools a step's jobs need", () => {
  const of = (more: object, step_: Parameters<typeof step>[2] = {}) =>
    poolLimits(Settings.parse(more), step("x", [], step_)).map(
      ({ pool, limit }) => `${pool} ${limit}`,
    );

  test("by default those of Airflow's DAGs: 300 for GroupBys, 100 for joins", () => {
    expect(of({}, { confType: "group_bys", mode: "upload" })).toEqual(["group_by_batch 300"]);
    expect(of({}, { confType: "group_bys", mode: "backfill" })).toEqual(["group_by_batch 300"]);
    expect(of({}, { confType: "joins" })).toEqual(["join 100"]);
    expect(of({}, { confType: "staging_queries" })).toEqual([]);
  });

  test("pools of one's own replace them; a mode's pool goes before its conf type's", () => {
    const pools = { spark: { limit: 20 } };
    expect(of({ pools }, { confType: "joins" })).toEqual([]);
    expect(of({ pools: {} }, { confType: "joins" })).toEqual([]);
    const own = { pools, poolOfMode: { backfill: "spark" }, poolOfConfType: { joins: "spark" } };
    expect(of(own, { confType: "group_bys" })).toEqual(["spark 20"]);
    expect(of(own, { confType: "joins", mode: "log-flattener" })).toEqual(["spark 20"]);
  });

  test("the team's and the step's own, beside", () => {
    const teams = { risk: { limit: 7, modes: { backfill: { maxActiveRuns: 2 } } } };
    expect(of({ teams }, { confType: "joins" })).toEqual([
      "join 100",
      "team:risk 7",
      "step:x/backfill 2",
    ]);
    expect(of({ teams }, { confType: "joins", team: "growth" })).toEqual(["join 100"]);
  });
});

describe("I6: a team's limit", () => {
  test("is kept whatever pool its jobs are in; other teams go on", () => {
    const w = world(three, settings({ teams: { risk: { limit: 1 } } }));
    w.land("data.events", day);
    expect(w.launchedIds()).toEqual([`a/backfill@${day}`, `b/backfill@${day}`]);
    expect(w.why(`c/backfill@${day}`)).toContain("waits for one of 1 slots of pool team:risk");
    expect(w.succeed(`a/backfill@${day}`).freed).toEqual(["team:risk"]);
    w.nudge({ kind: "concern", task: `c/backfill@${day}` });
    expect(w.state(`c/backfill@${day}`)).toBe("launching");
    expect(w.violations()).toEqual([]);
  });

  test("who waits for one of two pools holds no slot of the other", () => {
    const more = { pools: { one: { limit: 2 } }, poolOfMode: { backfill: "one" } };
    const w = world(three, settings({ ...more, teams: { risk: { limit: 1 } } }));
    w.land("data.events", day);
    expect(w.document("pools/one")).toHaveProperty("holders", {
      [`a/backfill@${day}`]: expect.anything(),
      [`b/backfill@${day}`]: expect.anything(),
    });
    w.succeed(`b/backfill@${day}`);
    w.nudge({ kind: "concern", task: `c/backfill@${day}` });
    expect(w.task(`c/backfill@${day}`)?.queuedFor).toBe("team:risk");
    expect(Object.keys((w.document("pools/one") as { holders: object }).holders)).toEqual([
      `a/backfill@${day}`,
    ]);
  });
});

describe("maxActiveRuns", () => {
  test("days of one step one after the other, those of others beside", () => {
    const w = world(three, settings({ modes: { backfill: { maxActiveRuns: 1 } } }));
    w.land("data.events", "2025-09-29");
    w.land("data.events", day);
    expect(w.launchedIds()).toEqual(
      ["a", "b", "c"].map((config) => `${config}/backfill@2025-09-29`),
    );
    w.succeed("a/backfill@2025-09-29");
    w.nudge({ kind: "concern", task: `a/backfill@${day}` });
    expect(w.state(`a/backfill@${day}`)).toBe("launching");
    expect(w.state(`b/backfill@${day}`)).toBe("ready");
  });
});

describe("a full pool in why", () => {
  const w = world(
    three,
    settings({ pools: { one: { limit: 1 } }, poolOfMode: { backfill: "one" } }),
  );
  w.land("data.events", day);
  const reason = w.ask((deciding) => explainTask(deciding, `c/backfill@${day}`));

  test("names the pool, its limit and who holds its slots", () => {
    expect(reason).toMatchObject({
      is: "ready: inputs complete; waits for one of 1 slots of pool one",
      because: [{ what: "pool one", is: `1 of 1 slots are held by a/backfill@${day}` }],
    });
  });

  test("and who is before it in the queue", () => {
    const queue = [`b/backfill@${day}`, `c/backfill@${day}`];
    expect(withQueue(reason, "one", queue).because.at(-1)).toMatchObject({
      what: "queue of one",
      is: `1 before it: b/backfill@${day}`,
    });
    expect(withQueue(reason, "one", queue.slice(1)).because.at(-1)?.is).toBe("it is the next");
  });
});

test("a head start counts as time that was waited, and is kept with the task", () => {
  const more = { pools: { one: { limit: 1 } }, poolOfMode: { backfill: "one" } };
  const w = world(three, settings({ ...more, teams: { risk: { headStartMs: 60_000 } } }));
  w.land("data.events", day);
  const since = w.now();
  expect(w.task(`b/backfill@${day}`)?.state).toEqual({
    kind: "ready",
    since,
    because: "inputs complete",
  });
  expect(w.task(`c/backfill@${day}`)?.state).toMatchObject({ since, headStartMs: 60_000 });
});
