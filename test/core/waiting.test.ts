import { describe, expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import { input, planOf, step } from "../support/plan.ts";
import { noon, world } from "../support/world.ts";

const hour = 3_600_000;
const settled = { externalClosing: { when: "at-landing" } } as const;
const day = "2025-09-30";
const task = `a/backfill@${day}`;
const deadline = Date.parse("2025-10-03T00:00:00Z");
const two = planOf(step("a", [input("data.x"), input("data.y")]));
const retry = (id: string, at: number) =>
  ({
    kind: "command",
    command: { kind: "task-retry", schema: 1, id: "c", by: "ann", at, task: id },
  }) as const;

describe("a task that gives up waiting", () => {
  const settings = Settings.parse({ ...settled, giveUpHours: 48 });

  test("fails at its deadline and says what it waited for", () => {
    const w = world(two, settings);
    w.land("data.x", day);
    w.pass(6 * hour);
    w.wake(task);
    expect(w.state(task)).toBe("waiting");
    expect(w.task(task)?.wakeAt).toBe(deadline);
    w.pass(deadline - w.now());
    w.wake(task);
    expect(w.why(task)).toBe(
      `failed: gave up waiting 48 h after its day: data.y@${day}: it has not landed`,
    );
    w.land("data.y", day);
    expect(w.state(task)).toBe("failed");
    expect(w.violations()).toEqual([]);
  });

  test("and when somebody asks for it again, waits as long as it takes", () => {
    const w = world(two, settings);
    w.land("data.x", day);
    w.pass(60 * hour);
    w.wake(task);
    w.nudge(retry(task, w.now()));
    expect(w.state(task)).toBe("waiting");
    w.land("data.y", day);
    expect(w.state(task)).toBe("launching");
  });

  test("also when nothing of what it reads ever landed", () => {
    const w = world(two, settings);
    w.nudge({ kind: "concern", task });
    expect(w.task(task)).toBeNull();
    w.pass(60 * hour);
    w.nudge({ kind: "concern", task });
    expect(w.state(task)).toBe("failed");
  });

  test("is what only those do whose settings say so: others wait on", () => {
    const own = Settings.parse({ ...settled, teams: { growth: { giveUpHours: 1 } } });
    const w = world(two, own);
    w.land("data.x", day);
    w.pass(1_000 * hour);
    w.wake(task);
    expect(w.state(task)).toBe("waiting");
  });

  test("a run that was tried and waits again is not given up", () => {
    const w = world(two, settings);
    w.land("data.x", day);
    w.land("data.y", day);
    w.fail(task);
    w.fact("data.y", day, w.landing(2, { state: "gone" }));
    w.pass(60 * hour);
    w.wake(task);
    expect(w.state(task)).toBe("waiting");
  });
});

describe("an upload-to-kv of a day whose rows the online store would drop at once", () => {
  const upload = step("gb", [input("data.x")], {
    mode: "upload",
    output: "out.gb__upload",
    strategy: "latest-only",
  });
  const kv = step("gb", [input("out.gb__upload")], {
    mode: "upload-to-kv",
    output: "",
    after: ["gb/upload"],
    effect: "none",
    verification: "serving-info",
    strategy: "latest-only",
  });
  const plan = planOf(upload, kv);
  const old = "gb/upload-to-kv@2025-09-26";

  test("is skipped by itself, and runs on command", () => {
    const w = world(plan, Settings.parse({ ...settled, cellsKeptDays: 5 }), { start: noon });
    w.land("data.x", "2025-09-26");
    w.succeed("gb/upload@2025-09-26");
    expect(w.why(old)).toContain("skipped: the online store would drop its rows at once");
    w.nudge(retry(old, w.now()));
    expect(w.state(old)).toBe("launching");
  });

  test("is not loaded again either when its upload is written again", () => {
    const w = world(plan, Settings.parse({ ...settled, cellsKeptDays: 5 }), {
      start: Date.parse("2025-09-28T12:00:00Z"),
    });
    const row = { state: "landed", version: { epoch: 0, n: Date.parse("2025-09-27") } } as const;
    w.land("data.x", "2025-09-26");
    w.succeed("gb/upload@2025-09-26");
    const seen = { ...row, at: w.now(), seenBy: "job" } as const;
    w.settle(old, { outputs: [{ table: "gb/kv", partition: "2025-09-26", landing: seen }] });
    expect(w.state(old)).toBe("succeeded");
    w.pass(5 * 24 * hour);
    w.land("out.gb__upload", "2025-09-26", 9);
    expect(w.why(old)).toContain("landed again; the online store would drop its rows at once");
    expect(w.state(old)).toBe("succeeded");
  });

  test("a day that is kept is loaded, and any day where tables keep cells for good", () => {
    const w = world(plan, Settings.parse({ ...settled, cellsKeptDays: 5 }), { start: noon });
    w.land("data.x", "2025-09-27");
    w.succeed("gb/upload@2025-09-27");
    expect(w.state("gb/upload-to-kv@2025-09-27")).toBe("launching");
    const forGood = world(plan, Settings.parse(settled));
    forGood.land("data.x", "2025-01-01");
    forGood.succeed("gb/upload@2025-01-01");
    expect(forGood.state("gb/upload-to-kv@2025-01-01")).toBe("launching");
  });
});
