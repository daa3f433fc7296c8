import { describe, expect, test } from "vitest";
import { isLive } from "../../core/status.ts";
import type { Nudge } from "../../core/work.ts";
import { parseDocument } from "../../schemas/documents.ts";
import type { JobSettled } from "../../schemas/events.ts";
import { input, planOf, step } from "../support/plan.ts";
import { noon, world } from "../support/world.ts";

/** Each of these was broken once: what was held, waited for or under way when something else moved. */

const settled = { externalClosing: { when: "at-landing" } } as const;
const noRetry = {
  retries: { job: { max: 0, delayMs: 1 }, infrastructure: { max: 0, delayMs: 1 } },
};
const days = ["2025-09-26", "2025-09-27", "2025-09-28", "2025-09-29", "2025-09-30"];
const range = "2025-09-26..2025-09-30";
const asked = { schema: 1, by: "ana", at: noon } as const;

function backfill(target: string, start = "2025-09-26", end = "2025-09-30"): Nudge {
  const command = { kind: "backfill-requested", ...asked, id: "c1", target, start, end } as const;
  return { kind: "command", command };
}

type World = ReturnType<typeof world>;

const outputsOf = (w: World, table: string) => ({
  outputs: days.map((partition) => ({ table, partition, landing: w.landing(5) })),
});

describe("a range that covers a task", () => {
  const plan = planOf(step("j", [input("data.e"), input("data.f")], { stepDays: 5 }));
  const single = "j/backfill@2025-09-30";

  function covered(settings = {}): World {
    const w = world(plan, { ...settled, ...settings });
    w.land("data.e", "2025-09-30");
    for (const day of days) {
      w.fact("data.e", day, w.landing(1));
      w.fact("data.f", day, w.landing(1));
    }
    w.nudge(backfill("j"));
    expect(w.state(single)).toBe("covered");
    return w;
  }

  test("leaves it a readable document, which runs again when an input lands again (I4)", () => {
    const w = covered();
    w.settle(`j/backfill@${range}`, outputsOf(w, "out.j"));
    expect(w.state(single)).toBe("succeeded");
    expect(() => parseDocument(`tasks/${single}`, w.document(`tasks/${single}`))).not.toThrow();
    expect(w.violations()).toEqual([]);
    w.land("data.f", "2025-09-30", 9);
    expect(w.state(single)).toBe("launching");
  });

  test("keeps its days while it is retried", () => {
    const w = covered();
    w.fail(`j/backfill@${range}`);
    expect(w.state(`j/backfill@${range}`)).toBe("retrying");
    expect(w.state(single)).toBe("covered");
    expect(w.launchedIds()).toEqual([`j/backfill@${range}`]);
  });

  test("gives everything back although its step left the plan meanwhile", () => {
    const w = covered(noRetry);
    w.usePlan(planOf(step("x", [input("data.e")])));
    w.settle(`j/backfill@${range}`);
    expect(w.document("landings/out.j@2025-09")).toHaveProperty("writers", {});
    w.usePlan(plan);
    w.pass(1_000);
    w.land("data.f", "2025-09-30", 9);
    expect(w.state(single)).toBe("launching");
  });

  test("wakes the steps that follow each of its days, and asks for no range of them", () => {
    const w = world(
      planOf(
        step("gb", [input("data.e"), input("data.f")], { output: "out.gb", stepDays: 5 }),
        step("gb", [input("data.e")], {
          mode: "upload",
          output: "out.gb__upload",
          after: ["gb/backfill"],
        }),
      ),
      settled,
    );
    w.land("data.e", "2025-09-30");
    expect(w.state("gb/upload@2025-09-30")).toBe("waiting");
    for (const day of days) {
      w.fact("data.e", day, w.landing(1));
      w.fact("data.f", day, w.landing(1));
    }
    w.nudge(backfill("gb"));
    w.settle(`gb/backfill@${range}`, outputsOf(w, "out.gb"));
    expect(w.launchedIds()).toEqual([`gb/backfill@${range}`, "gb/upload@2025-09-30"]);
  });
});

describe("a release in the middle", () => {
  /** A step left the plan while its job wrote; it came back, and its next job found that. */
  function cameBack(more: NonNullable<Parameters<typeof step>[2]>): World {
    const a = step("a", [input("data.e")], more);
    const w = world(planOf(a), settled);
    w.land("data.e", "2025-09-30");
    w.pass(600_000);
    const written = w.landing(1);
    w.usePlan(planOf(step("b", [input("data.e")])));
    w.settle("a/backfill@2025-09-30");
    w.usePlan(planOf(a));
    w.pass(600_000);
    w.nudge({ kind: "concern", task: "a/backfill@2025-09-30" });
    w.settle("a/backfill@2025-09-30", {
      outputs: [{ table: "out.a", partition: "2025-09-30", landing: written }],
    });
    return w;
  }

  test("what a job wrote while its step was away was not looked at: it runs again, and no attempt is lost", () => {
    const w = world(planOf(step("a", [input("data.e")])), settled);
    w.land("data.e", "2025-09-30");
    w.pass(600_000);
    w.settle("a/backfill@2025-09-30", { unseen: true });
    const task = w.task("a/backfill@2025-09-30");
    expect(task?.state).toMatchObject({ kind: "launching", run: 2, attempt: 1 });
  });

  test("frees the slot of a job whose step it dropped", () => {
    const pools = { pools: { one: { limit: 1 } }, poolOfMode: { backfill: "one" } };
    const b = step("b", [input("data.e")]);
    const w = world(planOf(step("a", [input("data.e")]), b), { ...settled, ...pools });
    w.land("data.e", "2025-09-30");
    w.usePlan(planOf(b));
    expect(w.settle("a/backfill@2025-09-30").freed).toEqual(["one"]);
    expect(w.document("pools/one")).toHaveProperty("holders", {});
  });

  test("says of no job of a step it dropped that it succeeded: nobody looked at what it wrote (I5)", () => {
    const a = step("a", [input("data.e")]);
    const w = world(planOf(a), settled);
    w.land("data.e", "2025-09-30");
    w.usePlan(planOf(step("b", [input("data.e")])));
    w.settle("a/backfill@2025-09-30");
    expect(w.state("a/backfill@2025-09-30")).toBe("skipped");
    w.usePlan(planOf(a));
    w.nudge({ kind: "concern", task: "a/backfill@2025-09-30" });
    expect(w.state("a/backfill@2025-09-30")).toBe("launching");
  });

  test("takes what the run of a dropped step wrote for already filled, though nobody had read it (I5)", () => {
    const w = cameBack({ effect: "fills" });
    expect(w.task("a/backfill@2025-09-30")?.state).toMatchObject({
      kind: "succeeded",
      run: 2,
      remark: "already filled",
    });
  });

  test("does not take what the run of a dropped step wrote for what the next one overwrote (I5)", () => {
    const w = cameBack({});
    expect(w.why("a/backfill@2025-09-30")).toContain("exit 0, nothing written");
  });

  test("cancels a job of a step it dropped that may have been submitted, before its slot is free", () => {
    const pools = { pools: { one: { limit: 1 } }, poolOfMode: { backfill: "one" } };
    const plan = planOf(step("a", [input("data.e")]));
    const w = world(plan, { ...settled, ...pools });
    w.land("data.e", "2025-09-30");
    w.usePlan(planOf(step("b", [input("data.e")])));
    w.pass(60_001);
    expect(w.wake("a/backfill@2025-09-30").freed).toEqual([]);
    expect(w.state("a/backfill@2025-09-30")).toBe("cancelling");
    expect(w.cancelled).toHaveLength(1);
    expect(w.settle("a/backfill@2025-09-30", { outcome: "cancelled" }).freed).toEqual(["one"]);
    expect(w.state("a/backfill@2025-09-30")).toBe("skipped");
    w.usePlan(plan);
    w.nudge({ kind: "concern", task: "a/backfill@2025-09-30" });
    expect(w.state("a/backfill@2025-09-30")).toBe("launching");
  });

  test("that drops a step and one that brings it back lose none of its tasks", () => {
    const plan = planOf(step("j", [input("data.e"), input("data.f")]));
    const w = world(plan, settled);
    w.land("data.e", "2025-09-30");
    w.usePlan(planOf(step("x", [input("data.e")])));
    w.nudge({ kind: "concern", task: "j/backfill@2025-09-30" });
    expect(w.state("j/backfill@2025-09-30")).toBe("skipped");
    w.usePlan(plan);
    w.land("data.f", "2025-09-30");
    expect(w.state("j/backfill@2025-09-30")).toBe("launching");
  });

  test("leaves nothing that is due on every tick", () => {
    const closing = { when: "at-end", settleMs: 600_000 } as const;
    const w = world(planOf(step("j", [input("data.f")])), {
      tables: { "data.f": { closing: { ...closing, delayMs: 0 } } },
    });
    w.land("data.f", "2025-09-30");
    w.pass(600_001);
    w.wake("j/backfill@2025-09-30");
    w.succeed("j/backfill@2025-09-30");
    w.land("data.f", "2025-09-30", 2);
    w.usePlan(planOf(step("x", [input("data.e")])));
    w.pass(86_400_000);
    for (const task of w.due()) w.wake(task);
    expect(w.due()).toEqual([]);
  });
});

test("days of an unbounded input that land together all run (I8)", () => {
  const w = world(planOf(step("u", [input("data.e", { startOffset: null })])), settled);
  w.fact("data.e", "2025-09-29", w.landing(1));
  w.fact("data.e", "2025-09-30", w.landing(2));
  w.nudge(
    { kind: "landed", table: "data.e", partition: "2025-09-29" },
    { kind: "landed", table: "data.e", partition: "2025-09-30" },
  );
  expect(w.launchedIds().sort()).toEqual(["u/backfill@2025-09-29", "u/backfill@2025-09-30"]);
});

test("a reader that is to be tried again does not overtake its writer, which is claimed in the same look", () => {
  const w = world(planOf(step("a", [input("data.e")]), step("b", [input("out.a")])), {
    ...settled,
    retries: { ...noRetry.retries, job: { max: 1, delayMs: 1 } },
  });
  w.land("data.e", "2025-09-30");
  w.succeed("a/backfill@2025-09-30", 1);
  w.fail("b/backfill@2025-09-30");
  w.pass(1_000);
  w.fact("data.e", "2025-09-30", w.landing(2));
  w.nudge(
    { kind: "woken", task: "b/backfill@2025-09-30", submitted: null },
    { kind: "landed", table: "data.e", partition: "2025-09-30" },
  );
  expect(w.state("a/backfill@2025-09-30")).toBe("launching");
  expect(w.state("b/backfill@2025-09-30")).toBe("waiting");
});

test("a success keeps saying what it was when an input lands again", () => {
  const w = world(planOf(step("a", [input("data.e")], { effect: "fills" })), settled);
  w.fact("out.a", "2025-09-30", w.landing(1));
  w.land("data.e", "2025-09-30", 1);
  w.succeed("a/backfill@2025-09-30", 1);
  w.land("data.e", "2025-09-30", 2);
  expect(w.task("a/backfill@2025-09-30")?.state).toMatchObject({ remark: "already filled" });
  expect(w.why("a/backfill@2025-09-30")).toBe(
    "done: already filled; data.e@2025-09-30 landed again; a rerun would fill nothing: the output exists",
  );
});

test("a producer that is cancelled in its queue lets its readers go on", () => {
  const pools = { pools: { one: { limit: 1 } }, poolOfMode: { slow: "one" } };
  const plan = planOf(
    step("hog", [input("data.h")], { mode: "slow" }),
    step("sq", [input("data.e")], { mode: "slow", output: "out.sq" }),
    step("reader", [input("out.sq")]),
  );
  const w = world(plan, { ...settled, ...pools });
  w.land("data.h", "2025-09-30");
  w.land("data.e", "2025-09-30");
  w.land("out.sq", "2025-09-30", 4);
  expect(w.state("reader/backfill@2025-09-30")).toBeNull();
  const command = { kind: "task-cancel", ...asked, id: "c", task: "sq/slow@2025-09-30" } as const;
  w.nudge({ kind: "command", command });
  expect(w.state("reader/backfill@2025-09-30")).toBe("launching");
});

test("an outcome told again after its first page was committed still lets everything go on", () => {
  const w = world(planOf(step("a", [input("data.e")])), settled);
  const task = "a/backfill@2025-09-30";
  w.land("data.e", "2025-09-30", 1);
  w.land("data.e", "2025-09-30", 2);
  const before = w.task(task);
  if (before === null || !isLive(before.state)) throw new Error("it was to be live");
  const { run, attempt, jobId } = before.state;
  w.fact("out.a", "2025-09-30", w.landing(1));
  const event: JobSettled = {
    kind: "job-settled",
    schema: 1,
    task,
    run,
    attempt,
    jobId,
    outcome: "succeeded",
    blame: "job",
    startedAt: noon,
    endedAt: noon,
    error: null,
    log: null,
    outputs: [],
  };
  const small = Array.from({ length: 500 }, (_, at): Nudge => {
    const day = `2024-${String(1 + (at % 12)).padStart(2, "0")}-${String(1 + (at % 28)).padStart(2, "0")}`;
    return { kind: "concern", task: `none${at}/backfill@${day}` };
  });
  const first = w.nudge({ kind: "settled", event }, ...small);
  expect(first.rest.length).toBeGreaterThan(0);
  expect(w.state(task)).toBe("succeeded");
  w.nudge({ kind: "settled", event });
  expect(w.state(task)).toBe("launching");
});

test("an old day of a latest-only step runs when somebody asks for it", () => {
  const plan = planOf(
    step("gb", [input("data.e")], { mode: "upload", strategy: "latest-only", output: "out.up" }),
  );
  const w = world(plan, settled);
  for (const day of days) w.fact("data.e", day, w.landing(1));
  w.nudge(backfill("gb/upload", "2025-09-27", "2025-09-27"));
  expect(w.state("gb/upload@2025-09-27")).toBe("launching");
});

test("commands told again do not undo the ones after them (I8)", () => {
  const w = world(planOf(step("a", [input("data.e"), input("data.f")])), settled);
  const task = "a/backfill@2025-09-30";
  w.land("data.e", "2025-09-30");
  const commands: Nudge[] = [
    { kind: "command", command: { kind: "task-cancel", ...asked, id: "c1", task } },
    { kind: "command", command: { kind: "task-retry", ...asked, id: "c2", task } },
  ];
  w.nudge(...commands);
  w.land("data.f", "2025-09-30");
  w.nudge(...commands);
  expect(w.state(task)).toBe("launching");
  expect(w.task(task)?.runs.map(({ because }) => because)).toEqual(["retry by ana"]);
});
