import { describe, expect, test } from "vitest";
import { lanePool, turnsFree } from "../../core/lanes.ts";
import { input, planOf, step } from "../support/plan.ts";
import { noon, world } from "../support/world.ts";

const settled = { externalClosing: { when: "at-landing" } } as const;
const lane = { name: "region r", perMinute: 6 };
const queries = Array.from({ length: 8 }, (_, at) => `q${at}`);
const plan = planOf(...queries.map((name) => step(name, [input("data.e")])));
const task = (name: string) => `${name}/backfill@2025-09-30`;

function stormy() {
  const w = world(plan, { ...settled, submitWithinMs: 60_000 }, { lanes: () => [lane] });
  w.land("data.e", "2025-09-30");
  return w;
}

describe("a limit on submissions", () => {
  test("gives each claim a turn of its own, and claims only what can be submitted in time (I6)", () => {
    const w = stormy();
    const turns = w.launched.map(({ state }) =>
      state.kind === "launching" ? (state.notBefore ?? noon) - noon : Number.NaN,
    );
    expect(turns).toEqual([0, 10_000, 20_000, 30_000]);
    expect(w.state(task("q7"))).toBe("ready");
    expect(w.why(task("q7"))).toBe(
      "inputs complete; waits for its turn: region r takes 6 submissions a minute",
    );
    expect(w.task(task("q7"))?.queuedFor).toBe(lanePool(lane));
  });

  test("lets a claim be submitted as long after its turn as any other", () => {
    const w = stormy();
    const [, second] = w.launched;
    expect(second?.state).toMatchObject({ notBefore: noon + 10_000, submitBy: noon + 70_000 });
    expect(second?.wakeAt).toBe(noon + 70_000);
  });

  test("goes on with those that wait when turns are near again", () => {
    const w = stormy();
    w.pass(20_000);
    w.nudge({ kind: "concern", task: task("q4") }, { kind: "concern", task: task("q5") });
    expect(w.launchedIds()).toHaveLength(6);
  });

  test("takes no turn for what is claimed again: room is left for that", () => {
    const w = stormy();
    const before = w.document(`pools/${lanePool(lane)}`);
    w.pass(60_001);
    w.wake(task("q0"));
    expect(w.launchedIds().filter((id) => id === task("q0"))).toHaveLength(2);
    expect(w.document(`pools/${lanePool(lane)}`)).toEqual(before);
  });
});

describe("a limit of several submissions a second", () => {
  const fast = { name: "region f", perMinute: 300 };
  const slow = { name: "cluster c", perMinute: 6 };
  const pool = `pools/${lanePool(fast)}` as const;

  test("writes its document once for as many claims as it takes submissions a second", () => {
    const w = world(plan, settled, { lanes: () => [fast] });
    w.land("data.e", "2025-09-30");
    expect(w.launched).toHaveLength(8);
    expect(w.document(pool)).toMatchObject({ nextAt: noon + 2_000 });
  });

  test("goes on with what is left of a second's turns, until they lapse", () => {
    const three = planOf(...["a", "b", "c"].map((name) => step(name, [input(`data.${name}`)])));
    const w = world(three, settled, { lanes: () => [fast] });
    w.land("data.a", "2025-09-30");
    const told = w.document(pool);
    expect(told).toMatchObject({ nextAt: noon + 1_000 });
    w.pass(4_000);
    w.land("data.b", "2025-09-30");
    expect(w.launched).toHaveLength(2);
    expect(w.document(pool)).toEqual(told);
    w.pass(2_000);
    w.land("data.c", "2025-09-30");
    expect(w.launched).toHaveLength(3);
    expect(w.document(pool)).toMatchObject({ nextAt: noon + 7_000 });
  });

  test("is not held up by a claim whose other lane is busy for long", () => {
    const lanes = (of: { id: string }) => (of.id.startsWith("q7/") ? [fast] : [fast, slow]);
    const w = world(plan, settled, { lanes });
    w.land("data.e", "2025-09-30");
    const q7 = w.launched.find(({ id }) => id === task("q7"));
    expect(q7?.state).not.toHaveProperty("notBefore");
  });
});

test("as many turns are free as claims would take", () => {
  const asked = { nextAt: noon, now: noon, submitWithinMs: 60_000 };
  expect(turnsFree(lane, asked)).toBe(4);
  expect(turnsFree(lane, { ...asked, nextAt: noon + 25_000 })).toBe(1);
  expect(turnsFree(lane, { ...asked, nextAt: noon + 31_000 })).toBe(0);
  expect(turnsFree(lane, { ...asked, nextAt: noon - 900_000 })).toBe(4);
});
