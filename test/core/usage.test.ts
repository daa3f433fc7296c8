import { expect, test } from "vitest";
import { noLanes } from "../../core/deciding.ts";
import { draftOver, type Known } from "../../core/draft.ts";
import { explainTask } from "../../core/explain.ts";
import { turnsOver } from "../../core/lanes.ts";
import { usageText } from "../../core/usage.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import { JobSettled } from "../../schemas/events.ts";
import { Settings } from "../../schemas/settings.ts";
import { Task } from "../../schemas/tasks.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

const plan = planOf(step("sq", [input("data.events")]));
const id = "sq/backfill@2025-09-30";
const counted = { milliDcuSeconds: 4_500_000, shuffleStorageGbSeconds: 7 };

/** The task after attempts that used this, in order; the last one succeeded. */
function ranWith(usage: JobSettled["usage"]): Task {
  const w = world(plan, { externalClosing: { when: "at-landing" } });
  w.land("data.events", "2025-09-30");
  w.settle(id, { outcome: "failed", error: "exit code 1", ...(usage && { usage }) });
  w.pass(3_600_000);
  w.wake(id);
  w.succeed(id);
  const task = w.task(id);
  if (task === null) throw new Error("there is no task");
  return task;
}

test.each([
  [{ milliDcuSeconds: 4_500_000 }, "1.25 DCU hours"],
  [counted, "1.25 DCU hours, 0.00194 GB hours of shuffle storage"],
  [{ vcoreSeconds: 7_200, memoryMbSeconds: 36_864_000 }, "2 vcore hours, 10 GB hours of memory"],
  [{ vcoreSeconds: 123_456_789 }, "34300 vcore hours"],
  [{ milliDcuSeconds: 0 }, "0 DCU hours"],
  [{}, null],
])("%o is %s", (usage, text) => {
  expect(usageText(usage)).toBe(text);
});

test("what a job used is kept with its attempt, and with no other", () => {
  const [failed, succeeded] = ranWith(counted).runs[0]?.attempts ?? [];
  expect(failed).toMatchObject({ attempt: 1, outcome: "failed", usage: counted });
  expect(succeeded).toMatchObject({ attempt: 2, outcome: "succeeded" });
  expect(succeeded).not.toHaveProperty("usage");
});

test("why tells it in hours for people, and as it was counted", () => {
  const task = ranWith(counted);
  const known = new Map<DocumentId, Known>([[`tasks/${id}`, { version: "1", body: task }]]);
  const about = {
    plan,
    settings: Settings.parse({}),
    now: 0,
    by: "test",
    lanes: noLanes,
    turns: turnsOver(new Map()),
  };
  expect(explainTask({ ...about, draft: draftOver(known) }, id).because).toEqual([
    {
      what: "run 1 attempt 1",
      is: "exit code 1; used 1.25 DCU hours, 0.00194 GB hours of shuffle storage",
      because: [],
      usage: counted,
    },
    { what: "run 1 attempt 2", is: "succeeded", because: [] },
  ]);
});

test("documents and events without it, as they were before there was any, are read", () => {
  const task = ranWith(undefined);
  expect(JSON.stringify(task)).not.toContain("usage");
  expect(Task.parse(JSON.parse(JSON.stringify(task)))).toEqual(task);
  const used = ranWith(counted);
  expect(Task.parse(JSON.parse(JSON.stringify(used)))).toEqual(used);
  expect(JobSettled.shape.usage.safeParse({ milliDcuSeconds: -1 }).success).toBe(false);
});
