import { describe, expect, test } from "vitest";
import { input, planOf, step } from "../support/plan.ts";
import { noon, world } from "../support/world.ts";

/** What a task makes of what others did to its output or its inputs; each of these was wrong once. */

const settled = { externalClosing: { when: "at-landing" } } as const;
const retriedOnce = {
  retries: { job: { max: 1, delayMs: 60_000 }, infrastructure: { max: 1, delayMs: 60_000 } },
};
const day = "2025-09-30";
const asked = { schema: 1, by: "ana", at: noon } as const;

describe("a run is not said to have written what was written before it was claimed (I5)", () => {
  test.each([
    { verification: "partitions", effect: "overwrites" },
    { verification: "table", effect: "rewrites-table" },
  ] as const)("though nobody had seen that by then: $effect", (more) => {
    const w = world(planOf(step("a", [input("data.e")], more)), settled);
    const task = `a/backfill@${day}`;
    w.land("data.e", day);
    w.succeed(task, 1);
    w.land("data.e", day, 2);
    const unseen = w.landing(2);
    w.pass(600_000);
    w.settle(task, { unseen: true });
    expect(w.task(task)?.state).toMatchObject({ kind: "launching", run: 3 });
    w.pass(600_000);
    w.settle(task, { outputs: [{ table: "out.a", partition: day, landing: unseen }] });
    expect(w.why(task)).toContain("exit 0, nothing written");
  });
});

test("a task that a range covered for a while still runs for what it was to run for (I5)", () => {
  const plan = planOf(step("j", [input("data.e")], { effect: "fills", stepDays: 2 }));
  const [task, range] = [`j/backfill@${day}`, `j/backfill@2025-09-29..${day}`];
  const w = world(plan, { ...settled, ...retriedOnce });
  w.land("data.e", day);
  w.fact("data.e", "2025-09-29", w.landing(1));
  const days = { start: "2025-09-29", end: day };
  const backfill = {
    kind: "backfill-requested",
    ...asked,
    id: "c1",
    target: "j",
    ...days,
  } as const;
  w.nudge({ kind: "command", command: backfill });
  const landing = w.landing(1);
  w.succeed(task);
  w.nudge({ kind: "concern", task: range });
  w.nudge({ kind: "command", command: { kind: "task-retry", ...asked, id: "c2", task } });
  w.fail(range);
  w.pass(120_000);
  w.nudge({ kind: "concern", task: range });
  expect(w.state(task)).toBe("covered");
  w.fail(range);
  expect(w.task(task)?.state).toMatchObject({ kind: "launching", run: 2 });
  w.settle(task, { outputs: [{ table: "out.j", partition: day, landing }] });
  expect(w.why(task)).toContain("exit 0, nothing written");
});

test("readers that stay go on when what was to write their input leaves the plan (I4)", () => {
  const a = step("a", [input("data.e")]);
  const b = step("b", [input("out.a")]);
  const w = world(planOf(a, b), { ...settled, ...retriedOnce });
  w.land("data.e", day);
  w.land("out.a", day, 1);
  w.fail(`a/backfill@${day}`);
  expect(w.state(`a/backfill@${day}`)).toBe("retrying");
  expect(w.state(`b/backfill@${day}`)).not.toBe("launching");
  w.usePlan(planOf(b));
  w.nudge({ kind: "concern", task: `a/backfill@${day}` });
  expect(w.state(`a/backfill@${day}`)).toBe("skipped");
  expect(w.state(`b/backfill@${day}`)).toBe("launching");
});
