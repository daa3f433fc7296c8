import { describe, expect, test } from "vitest";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const settled = { externalClosing: { when: "at-landing" } } as const;

describe("a step with one daily input", () => {
  const plan = planOf(step("sq", [input("data.events")]));
  const task = "sq/backfill@2025-09-30";

  test("nothing landed, nothing runs; it lands, its job is launched once", () => {
    const w = world(plan, settled);
    expect(w.state(task)).toBeNull();
    w.land("data.events", "2025-09-30");
    expect(w.state(task)).toBe("launching");
    w.land("data.events", "2025-09-30");
    w.nudge({ kind: "landed", table: "data.events", partition: "2025-09-30" });
    expect(w.launchedIds()).toEqual([task]);
  });

  test("needs four document writes: landing, claim, finish, output's landing", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-29");
    w.succeed("sq/backfill@2025-09-29", 1);
    const before = w.writes();
    w.land("data.events", "2025-09-30");
    w.succeed(task, 2);
    expect(w.state(task)).toBe("succeeded");
    expect(w.writes() - before).toBe(4);
  });

  test("I5: exit 0 with nothing written is a failure with that name, and retried once", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.settle(task);
    expect(w.state(task)).toBe("retrying");
    expect(w.why(task)).toContain("exit 0, nothing written: out.sq has no 2025-09-30");
    w.pass(3_600_000);
    w.wake(task);
    w.settle(task);
    expect(w.state(task)).toBe("failed");
    expect(w.task(task)?.runs).toHaveLength(1);
    expect(w.task(task)?.runs[0]?.attempts.map((a) => a.attempt)).toEqual([1, 2]);
  });

  test("I5: an output that was there before the run is no evidence for a step that overwrites", () => {
    const w = world(plan, settled);
    w.fact("out.sq", "2025-09-30", w.landing(7));
    w.land("data.events", "2025-09-30");
    w.succeed(task, 7);
    expect(w.state(task)).toBe("retrying");
    expect(w.why(task)).toContain("is as it was at 2025-09-30");
  });

  test("a failed job is tried again after a while, under another job id", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.fail(task);
    expect(w.state(task)).toBe("retrying");
    w.wake(task);
    expect(w.state(task)).toBe("retrying");
    w.pass(120_001);
    w.wake(task);
    expect(w.state(task)).toBe("launching");
    const ids = w.launched.map((t) => t.runs.at(-1)?.attempts.at(-1)?.jobId);
    expect(new Set(ids).size).toBe(2);
  });

  test("I2: an outcome of another attempt, or of another job, changes nothing", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    const first = w.task(task);
    w.settle(task, { attempt: 2 });
    w.settle(task, { jobId: "landfall-other" });
    w.settle(task, { run: 3 });
    expect(w.task(task)).toEqual(first);
  });

  test("I4, I7: an input that lands again after the claim runs the task again, as a new run", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30", 1);
    w.land("data.events", "2025-09-30", 2);
    expect(w.launched).toHaveLength(1);
    w.succeed(task, 1);
    expect(w.state(task)).toBe("launching");
    expect(w.task(task)?.runs.map((r) => r.because)).toEqual([
      "inputs complete",
      "data.events@2025-09-30 landed again",
    ]);
    w.succeed(task, 2);
    expect(w.state(task)).toBe("succeeded");
    w.land("data.events", "2025-09-30", 2);
    expect(w.launched).toHaveLength(2);
  });

  test("I8: an older version that arrives late changes nothing", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30", 5);
    w.succeed(task);
    w.land("data.events", "2025-09-30", 4);
    expect(w.state(task)).toBe("succeeded");
    expect(w.launched).toHaveLength(1);
  });

  test("a claim nobody submitted is claimed again as the same job", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.pass(60_001);
    w.wake(task);
    const ids = w.launched.map((t) => (t.state.kind === "launching" ? t.state.jobId : ""));
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
  });

  test("a job that is known to be submitted is running before its claim's time is up", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    const state = w.task(task)?.state;
    const jobId = state?.kind === "launching" ? state.jobId : "";
    w.wake(task, "of-another-attempt");
    expect(w.state(task)).toBe("launching");
    w.wake(task, jobId);
    expect(w.state(task)).toBe("running");
  });

  test("a job that is known to be submitted is running, times out, and is cancelled", () => {
    const w = world(plan, { ...settled, timeoutMs: 3_600_000 });
    w.land("data.events", "2025-09-30");
    const state = w.task(task)?.state;
    const jobId = state?.kind === "launching" ? state.jobId : "";
    w.pass(60_001);
    w.wake(task, jobId);
    expect(w.state(task)).toBe("running");
    w.pass(3_600_000);
    w.wake(task);
    expect(w.state(task)).toBe("cancelling");
    expect(w.cancelled).toEqual([jobId]);
    w.settle(task, { outcome: "cancelled" });
    expect(w.why(task)).toContain("timed out");
  });

  test("a job that its runner ends by its limit first timed out in the same words", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.settle(task, { outcome: "timed-out", error: "it ran longer than its limit and was ended" });
    expect(w.why(task)).toContain("timed out: it ran longer than its limit");
  });

  test("a commit that was there before Landfall looked runs only the newest day", () => {
    const w = world(plan, settled);
    const days = ["2025-09-28", "2025-09-29", "2025-09-30"];
    for (const day of days) w.fact("data.events", day, w.landing(1));
    w.nudge({ kind: "backlog", table: "data.events", partitions: days });
    expect(w.launchedIds()).toEqual([task]);
  });
});

describe("an input appended to all day", () => {
  const plan = planOf(
    step("gb", [input("data.events")], {
      mode: "upload",
      strategy: "latest-only",
      output: "out.gb__upload",
    }),
  );
  const task = "gb/upload@2025-10-02";

  test("is open until its day is over and no commit came for a while; then runs once", () => {
    const w = world(
      plan,
      { externalClosing: { when: "at-end", delayMs: 0, settleMs: 600_000 } },
      { start: Date.parse("2025-10-02T00:05:00Z") },
    );
    const before = w.writes();
    for (let commit = 0; commit < 287; commit++) {
      w.land("data.events", "2025-10-02", commit);
      w.pass(300_000);
    }
    expect(w.launched).toHaveLength(0);
    expect(w.why(task)).toBe("waits for data.events@2025-10-02: open: its day is not over");
    expect(w.writes() - before).toBeLessThan(287 + 8);
    w.land("data.events", "2025-10-02", 287);
    w.wake(task);
    expect(w.why(task)).toContain("its last commit is younger than 600 s");
    w.pass(600_000);
    w.wake(task);
    expect(w.launchedIds()).toEqual([task]);
  });
});

describe("an input whose days close when the next one has data", () => {
  test("runs the day before, at once", () => {
    const plan = planOf(step("sq", [input("data.events")]));
    const w = world(plan, { tables: { "data.events": { closing: { when: "next" } } } });
    w.land("data.events", "2025-09-29");
    expect(w.why("sq/backfill@2025-09-29")).toContain("the following day has no data yet");
    w.land("data.events", "2025-09-30", 2);
    expect(w.launchedIds()).toEqual(["sq/backfill@2025-09-29"]);
  });
});

describe("a chain", () => {
  const plan = planOf(
    step("sq", [input("data.events")]),
    step("gb", [input("out.sq")], {
      mode: "upload",
      strategy: "latest-only",
      output: "out.gb__upload",
    }),
    step("gb", [input("out.gb__upload")], {
      mode: "upload-to-kv",
      strategy: "latest-only",
      after: ["gb/upload"],
      output: "",
      effect: "none",
      verification: "serving-info",
    }),
  );

  const row = (n: number) => ({
    outputs: [
      {
        table: "gb/kv",
        partition: "2025-09-30",
        landing: {
          state: "landed" as const,
          version: { epoch: 0, n },
          at: 0,
          seenBy: "job" as const,
        },
      },
    ],
  });

  test("goes on the moment each step ends, and waits for a writer that has not", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.land("out.sq", "2025-09-30", 3);
    expect(w.launchedIds()).toEqual(["sq/backfill@2025-09-30"]);
    w.succeed("sq/backfill@2025-09-30", 3);
    w.succeed("gb/upload@2025-09-30", 1);
    w.settle("gb/upload-to-kv@2025-09-30", row(Date.parse("2025-10-01T00:00:00Z")));
    expect(w.launchedIds()).toEqual([
      "sq/backfill@2025-09-30",
      "gb/upload@2025-09-30",
      "gb/upload-to-kv@2025-09-30",
    ]);
    expect(w.state("gb/upload-to-kv@2025-09-30")).toBe("succeeded");
  });

  test("a load that nobody here can look at is believed, and says so", () => {
    const w = world(plan, { ...settled, servingInfo: "believe" });
    w.land("out.sq", "2025-09-30", 3);
    w.succeed("gb/upload@2025-09-30", 1);
    w.settle("gb/upload-to-kv@2025-09-30");
    expect(w.why("gb/upload-to-kv@2025-09-30")).toBe(
      "done: its rows in the online store were not looked at",
    );
  });

  test("a failed writer holds its readers back until the partition lands anew", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    w.settle("sq/backfill@2025-09-30", { outcome: "cancelled" });
    expect(w.state("sq/backfill@2025-09-30")).toBe("failed");
    w.fact("out.sq", "2025-09-30", w.landing(3));
    w.nudge({ kind: "landed", table: "out.sq", partition: "2025-09-30" });
    expect(w.why("gb/upload@2025-09-30")).toContain("sq/backfill@2025-09-30 failed");
    w.pass(1_000);
    w.land("out.sq", "2025-09-30", 4);
    expect(w.state("gb/upload@2025-09-30")).toBe("launching");
  });

  test("of several closed upload days only the newest is run", () => {
    const w = world(plan, settled);
    for (const day of ["2025-09-28", "2025-09-29", "2025-09-30"])
      w.fact("out.sq", day, w.landing(1));
    w.nudge(
      { kind: "landed", table: "out.sq", partition: "2025-09-28" },
      { kind: "landed", table: "out.sq", partition: "2025-09-30" },
      { kind: "landed", table: "out.sq", partition: "2025-09-29" },
    );
    expect(w.launchedIds()).toEqual(["gb/upload@2025-09-30"]);
    expect(w.why("gb/upload@2025-09-28")).toContain("skipped: 2025-09-30 is newer and complete");
  });
});

describe("pools", () => {
  const plan = planOf(
    step("a", [input("data.events")]),
    step("b", [input("data.events")]),
    step("c", [input("data.events")]),
  );

  test("I6: never more jobs than slots; a slot that comes free is taken at once", () => {
    const pools = { pools: { small: { limit: 1 } }, poolOfMode: { backfill: "small" } };
    const w = world(plan, { ...settled, ...pools });
    w.land("data.events", "2025-09-30");
    expect(w.launchedIds()).toEqual(["a/backfill@2025-09-30"]);
    expect(w.why("b/backfill@2025-09-30")).toContain("waits for one of 1 slots of pool small");
    const { freed } = w.succeed("a/backfill@2025-09-30");
    expect(freed).toEqual(["small"]);
    w.nudge({ kind: "concern", task: "b/backfill@2025-09-30" });
    w.nudge({ kind: "concern", task: "c/backfill@2025-09-30" });
    expect(w.launchedIds()).toEqual(["a/backfill@2025-09-30", "b/backfill@2025-09-30"]);
  });
});
