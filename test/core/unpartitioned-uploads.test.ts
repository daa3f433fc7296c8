import { describe, expect, test } from "vitest";
import { isLive } from "../../core/status.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

/** Uploads of airbnb's flavour rewrite their whole table, which upload-to-kv has to load before. */

const settled = { externalClosing: { when: "at-landing" } } as const;

describe("an unpartitioned upload table", () => {
  const uploads = (more: NonNullable<Parameters<typeof step>[2]> = {}, output = "out.up") =>
    planOf(
      step("gb", [input("data.e")], {
        mode: "upload",
        strategy: "latest-only",
        output,
        effect: "rewrites-table",
        verification: "table",
        ...more,
      }),
      step("gb", [input(output)], {
        mode: "upload-to-kv",
        strategy: "latest-only",
        after: ["gb/upload"],
        output: "",
        effect: "none",
        verification: "serving-info",
        ...more,
      }),
    );
  const plan = uploads();
  const row = (day: string) => ({
    outputs: [
      {
        table: "KV",
        partition: day,
        landing: {
          state: "landed" as const,
          version: { epoch: 0, n: Date.parse(`${day}T00:00:00Z`) + 86_400_000 },
          at: 0,
          seenBy: "job" as const,
        },
      },
    ],
  });

  test("is not rewritten while it is loaded, and never by two uploads", () => {
    const w = world(plan, settled);
    w.land("data.e", "2025-09-29", 1);
    w.succeed("gb/upload@2025-09-29", 1);
    expect(w.state("gb/upload-to-kv@2025-09-29")).toBe("launching");
    w.land("data.e", "2025-09-29", 2);
    expect(w.state("gb/upload@2025-09-29")).toBe("ready");
    w.settle("gb/upload-to-kv@2025-09-29", row("2025-09-29"));
    w.land("data.e", "2025-09-30", 3);
    const live = w.tasks().filter(({ step: id, state }) => id === "gb/upload" && isLive(state));
    expect(live).toHaveLength(1);
  });

  test("holds the day of the job that is judged, whatever is seen of it later", () => {
    const w = world(plan, settled);
    w.land("data.e", "2025-09-29", 1);
    const uploaded = w.task("gb/upload@2025-09-29");
    w.succeed("gb/upload@2025-09-29", 1);
    w.settle("gb/upload-to-kv@2025-09-29", row("2025-09-29"));
    w.land("data.e", "2025-09-30", 2);
    w.succeed("gb/upload@2025-09-30", 2);
    if (uploaded === null || !isLive(uploaded.state)) throw new Error("it was to be live");
    const { run, attempt, jobId } = uploaded.state;
    w.hear({ task: uploaded.id, run, attempt, jobId }, [
      { table: "out.up", partition: "2025-09-29", landing: w.landing(2) },
    ]);
    expect(w.state("gb/upload-to-kv@2025-09-29")).toBe("succeeded");
    expect(w.launchedIds().filter((id) => id === "gb/upload-to-kv@2025-09-29")).toHaveLength(1);
  });

  test("is free again when the step that was to load it leaves the plan while it is queued", () => {
    const x = step("x", [input("data.e")], {
      mode: "upload-to-kv",
      output: "",
      effect: "none",
      verification: "serving-info",
    });
    const pools = { pools: { one: { limit: 1 } }, poolOfMode: { "upload-to-kv": "one" } };
    const w = world(planOf(...plan.plan.steps, x), { ...settled, ...pools });
    w.land("data.e", "2025-09-30", 1);
    w.succeed("gb/upload@2025-09-30", 1);
    expect(w.state("gb/upload-to-kv@2025-09-30")).toBe("ready");
    w.usePlan(planOf(x));
    expect(w.nudge({ kind: "concern", task: "gb/upload-to-kv@2025-09-30" }).freed).toContain(
      "table:out.up",
    );
    expect(w.document("pools/table:out.up")).toHaveProperty("holders", {});
  });

  test("is free again when its upload is to run once more and its load is to be tried again", () => {
    const w = world(plan, settled);
    w.land("data.e", "2025-09-29", 1);
    w.succeed("gb/upload@2025-09-29", 1);
    w.land("data.e", "2025-09-29", 2);
    w.fact("data.e", "2025-09-29", w.landing(3, { state: "gone" }));
    w.nudge({ kind: "landed", table: "data.e", partition: "2025-09-29" });
    expect(w.state("gb/upload@2025-09-29")).toBe("waiting");
    expect(w.fail("gb/upload-to-kv@2025-09-29").freed).toEqual(["table:out.up"]);
    w.land("data.e", "2025-09-30", 4);
    expect(w.state("gb/upload@2025-09-30")).toBe("launching");
  });

  test("that came free goes on to the next in the queue when the first does not take it", () => {
    const w = world(plan, settled);
    for (const [n, day] of ["2025-09-28", "2025-09-29", "2025-09-30"].entries()) {
      w.land("data.e", day, n + 1);
      w.pass(1_000);
    }
    w.succeed("gb/upload@2025-09-28", 1);
    w.settle("gb/upload-to-kv@2025-09-28", row("2025-09-28"));
    const { freed } = w.nudge({ kind: "concern", task: "gb/upload@2025-09-29" });
    expect(w.state("gb/upload@2025-09-29")).toBe("skipped");
    expect(freed).toEqual(["table:out.up"]);
    w.nudge({ kind: "concern", task: "gb/upload@2025-09-30" });
    expect(w.state("gb/upload@2025-09-30")).toBe("launching");
  });

  test.each([
    ["before its team's start", uploads({ from: "2025-09-28" })],
    ["of steps that run on command", uploads({ schedule: null })],
  ])("is not kept for a load that does not come by itself: a day %s", (_, plan) => {
    const w = world(plan, settled);
    const asked = (day: string) => ({
      kind: "backfill-requested" as const,
      schema: 1 as const,
      id: `asked-${day}`,
      at: 0,
      by: "ann",
      target: "gb/upload",
      start: day,
      end: day,
    });
    for (const [n, day] of ["2025-09-20", "2025-09-21"].entries()) {
      w.land("data.e", day, n + 1);
      w.nudge({ kind: "command", command: asked(day) });
      w.succeed(`gb/upload@${day}`, n + 1);
      expect(w.state(`gb/upload@${day}`)).toBe("succeeded");
    }
    expect(w.document("pools/table:out.up")).toHaveProperty("holders", {});
  });

  test("is free again by the name it was taken under, whatever a release calls it meanwhile", () => {
    const w = world(plan, settled);
    w.land("data.e", "2025-09-29", 1);
    w.succeed("gb/upload@2025-09-29", 1);
    w.usePlan(uploads({}, "out.renamed"));
    w.settle("gb/upload-to-kv@2025-09-29", row("2025-09-29"));
    expect(w.document("pools/table:out.up")).toHaveProperty("holders", {});
  });
});
