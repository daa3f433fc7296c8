import { describe, expect, test } from "vitest";
import type { Command } from "../../schemas/commands.ts";
import { Settings } from "../../schemas/settings.ts";
import { input, planOf, step } from "../support/plan.ts";
import { noon, world } from "../support/world.ts";

const settled = { externalClosing: { when: "at-landing" } } as const;
const plan = planOf(
  step("gb", [input("data.events")], { schedule: null, stepDays: 3 }),
  step("join", [input("data.events")], { stepDays: 30, effect: "fills" }),
);
const days = ["2025-09-26", "2025-09-27", "2025-09-28", "2025-09-29", "2025-09-30"];

function backfill(more: Partial<Extract<Command, { kind: "backfill-requested" }>> = {}): Command {
  return {
    kind: "backfill-requested",
    schema: 1,
    id: "c1",
    by: "ana",
    at: noon,
    target: "gb",
    start: "2025-09-26",
    end: "2025-09-30",
    ...more,
  };
}

function landedWorld() {
  const w = world(plan, settled);
  for (const day of days) w.fact("data.events", day, w.landing(1));
  return w;
}

describe("a backfill", () => {
  test("becomes range jobs of stepDays, each once however often the message comes", () => {
    const w = landedWorld();
    w.nudge({ kind: "command", command: backfill() });
    w.nudge({ kind: "command", command: backfill() });
    expect(w.launchedIds()).toEqual([
      "gb/backfill@2025-09-26..2025-09-28",
      "gb/backfill@2025-09-29..2025-09-30",
    ]);
    expect(w.task("gb/backfill@2025-09-29..2025-09-30")?.runs[0]?.because).toBe("backfill by ana");
    expect(w.document("commands/c1")).toMatchObject({ outcome: { kind: "accepted" } });
  });

  test("waits for inputs that are not there, naming them", () => {
    const w = world(plan, settled);
    w.nudge({ kind: "command", command: backfill({ end: "2025-09-28" }) });
    expect(w.why("gb/backfill@2025-09-26..2025-09-28")).toContain("data.events@2025-09-28");
    w.land("data.events", "2025-09-27");
    expect(w.state("gb/backfill@2025-09-26..2025-09-28")).toBe("waiting");
    w.land("data.events", "2025-09-28");
    expect(w.state("gb/backfill@2025-09-26..2025-09-28")).toBe("launching");
    expect(w.document("landings/data.events@2025-09")).toMatchObject({ waiters: {} });
  });

  test("of a step that fills asks only for what is missing", () => {
    const w = landedWorld();
    w.fact("out.join", "2025-09-28", w.landing(1));
    w.nudge({ kind: "command", command: backfill({ target: "join" }) });
    expect(w.launchedIds()).toEqual([
      "join/backfill@2025-09-26..2025-09-27",
      "join/backfill@2025-09-29..2025-09-30",
    ]);
  });

  test("I2: does not start while a task it contains runs, and covers those that wait", () => {
    const w = world(plan, settled);
    w.land("data.events", "2025-09-30");
    expect(w.launchedIds()).toEqual(["join/backfill@2025-09-30"]);
    for (const day of days) w.fact("data.events", day, w.landing(1));
    w.nudge({ kind: "command", command: backfill({ target: "join" }) });
    const range = "join/backfill@2025-09-26..2025-09-30";
    expect(w.why(range)).toContain("waits for join/backfill@2025-09-30");
    w.fail("join/backfill@2025-09-30");
    w.pass(1);
    w.nudge({ kind: "concern", task: range });
    expect(w.state(range)).toBe("launching");
    expect(w.state("join/backfill@2025-09-30")).toBe("covered");
    expect(w.document("landings/out.join@2025-09")).toMatchObject({
      writers: { [range]: { start: "2025-09-26", end: "2025-09-30" } },
    });
    const outputs = days.map((partition) => ({
      table: "out.join",
      partition,
      landing: w.landing(5),
    }));
    w.settle(range, { outputs });
    expect(w.state(range)).toBe("succeeded");
    expect(w.state("join/backfill@2025-09-30")).toBe("succeeded");
    expect(w.document("landings/out.join@2025-09")).toMatchObject({ writers: {} });
    expect(w.violations()).toEqual([]);
  });

  test("a covered task comes back when the range fails", () => {
    const w = world(plan, {
      ...settled,
      retries: { job: { max: 0, delayMs: 1 }, infrastructure: { max: 0, delayMs: 1 } },
    });
    w.fact("data.events", "2025-09-29", w.landing(1));
    w.fact("data.events", "2025-09-30", w.landing(1));
    const single = "join/backfill@2025-09-30";
    const range = "join/backfill@2025-09-29..2025-09-30";
    w.nudge({ kind: "command", command: backfill({ target: "join", start: "2025-09-29" }) });
    w.nudge({ kind: "concern", task: single });
    expect(w.state(single)).toBe("ready");
    w.fail(range);
    expect(w.state(range)).toBe("failed");
    expect(w.state(single)).toBe("launching");
  });

  test("of something the plan does not know is refused, and the refusal is recorded", () => {
    const w = world(plan, settled);
    w.nudge({ kind: "command", command: backfill({ target: "nobody" }) });
    expect(w.document("commands/c1")).toMatchObject({
      outcome: { kind: "refused", reason: "no step or config of the plan is called nobody" },
    });
  });
});

describe("retry and cancel", () => {
  const task = "join/backfill@2025-09-30";
  const retries = { job: { max: 0, delayMs: 1 }, infrastructure: { max: 0, delayMs: 1 } };
  const shared = { schema: 1, by: "ana", at: noon, task } as const;

  test("I7: a failed task runs again only by command, as a new run", () => {
    const w = world(plan, { ...settled, retries });
    w.land("data.events", "2025-09-30");
    w.fail(task);
    w.land("data.events", "2025-09-30");
    expect(w.state(task)).toBe("failed");
    w.nudge({ kind: "command", command: { kind: "task-retry", id: "c2", ...shared } });
    expect(w.state(task)).toBe("launching");
    expect(w.task(task)?.runs.map(({ because }) => because)).toEqual([
      "inputs complete",
      "retry by ana",
    ]);
  });

  test("cancelling holds the slot until the job was seen to end", () => {
    const pools = { pools: { one: { limit: 1 } }, poolOfMode: { backfill: "one" } };
    const w = world(plan, { ...settled, retries, ...pools });
    w.land("data.events", "2025-09-30");
    w.nudge({ kind: "command", command: { kind: "task-cancel", id: "c3", ...shared } });
    expect(w.state(task)).toBe("cancelling");
    expect(w.cancelled).toHaveLength(1);
    w.land("data.events", "2025-09-29");
    expect(w.state("join/backfill@2025-09-29")).toBe("ready");
    expect(w.settle(task, { outcome: "cancelled" }).freed).toEqual(["one"]);
    expect(w.state(task)).toBe("cancelled");
  });

  test("only what has ended is retried, and only what has not is cancelled", () => {
    const w = world(plan, { ...settled, retries });
    w.land("data.events", "2025-09-30");
    w.nudge({ kind: "command", command: { kind: "task-retry", id: "c5", ...shared } });
    expect(w.document("commands/c5")).toMatchObject({
      outcome: { kind: "refused", reason: `${task} has not ended: it is launching` },
    });
    w.fail(task);
    w.nudge({ kind: "command", command: { kind: "task-cancel", id: "c6", ...shared } });
    expect(w.document("commands/c6")).toMatchObject({
      outcome: { kind: "refused", reason: `${task} has ended: it is failed` },
    });
  });

  test("a command for a task that is not there is refused", () => {
    const w = world(plan, settled);
    w.nudge({ kind: "command", command: { kind: "task-retry", id: "c4", ...shared } });
    expect(w.document("commands/c4")).toMatchObject({ outcome: { kind: "refused" } });
  });
});

describe("deleting rows of metadata", () => {
  const { metadata } = Settings.parse({});
  const row = { hash: "1", uploadedAt: 1 };
  const gone = { ...row, gone: { since: 2, writtenAt: 1 } };
  const head = {
    schema: 1 as const,
    table: "CHRONON_METADATA",
    uploaded: null,
    refreshedAt: null,
    pages: ["risk", "risk~2"],
    trouble: null,
    remark: null,
    writing: null,
  };
  const deleting = (id: string, ...keys: readonly string[]): Command => ({
    kind: "metadata-delete",
    schema: 1,
    id,
    by: "ana",
    at: noon,
    keys: [...keys],
  });
  const place = () => {
    const w = landedWorld();
    w.put("metadata/current", head);
    w.put("metadata-rows/risk", { schema: 1, rows: { "joins/risk.a": row, "joins/risk.b": gone } });
    w.put("metadata-rows/risk~2", { schema: 1, rows: { "joins/risk.c": gone } });
    return w;
  };

  test("is taken down for whoever writes next, once however often the message comes", () => {
    const w = place();
    w.nudge({ kind: "command", command: deleting("c1", "joins/risk.b") });
    w.nudge({ kind: "command", command: deleting("c2", "joins/risk.c", "joins/risk.b") });
    expect(w.document("metadata/current")).toEqual({
      ...head,
      asked: ["joins/risk.b", "joins/risk.c"],
    });
    w.put("metadata/current", head);
    w.nudge({ kind: "command", command: deleting("c1", "joins/risk.b") });
    expect(w.document("metadata/current")).toEqual(head);
  });

  test.each([
    ["joins/risk.a", "the row joins/risk.a is of a config that is there; release without it first"],
    [
      "joins/risk.x",
      "Landfall has no row joins/risk.x; landfall metadata lists those whose configs are gone",
    ],
  ])("of %s is refused, and so is what is asked for with it", (key, reason) => {
    const w = place();
    w.nudge({ kind: "command", command: deleting("c1", "joins/risk.b", key) });
    expect(w.document("commands/c1")).toMatchObject({ outcome: { kind: "refused", reason } });
    expect(w.document("metadata/current")).toEqual(head);
  });

  test("is refused where others write metadata", () => {
    const w = world(plan, { ...settled, metadata: { ...metadata, by: "others" } });
    w.put("metadata/current", head);
    w.nudge({ kind: "command", command: deleting("c1", "joins/risk.b") });
    expect(w.document("commands/c1")).toMatchObject({
      outcome: {
        kind: "refused",
        reason: 'Landfall writes no metadata here: metadata.by is "others"',
      },
    });
  });

  test("is refused before anything was uploaded", () => {
    const w = landedWorld();
    w.nudge({ kind: "command", command: deleting("c1", "joins/risk.b") });
    expect(w.document("commands/c1")).toMatchObject({
      outcome: { kind: "refused", reason: "no metadata was uploaded yet" },
    });
  });
});

test("a stream is neither stopped nor deployed where others keep streams", () => {
  const { streams } = Settings.parse({ streams: { by: "others" } });
  const w = world(plan, { ...settled, streams });
  const said = { schema: 1, by: "ana", at: noon, config: "risk.clicks.v1" } as const;
  w.nudge({ kind: "command", command: { kind: "stream-stop", id: "c1", ...said } });
  w.nudge({
    kind: "command",
    command: { kind: "stream-deploy", id: "c2", state: "latest", ...said },
  });
  const reason = 'Landfall keeps no streams here: streams.by is "others"';
  for (const id of ["commands/c1", "commands/c2"] as const) {
    expect(w.document(id)).toMatchObject({ outcome: { kind: "refused", reason } });
  }
});
