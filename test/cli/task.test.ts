import { expect, test } from "vitest";
import { taskText } from "../../cli/commands/task.ts";
import type { Attempt } from "../../schemas/tasks.ts";
import { task } from "../support/documents.ts";

const attempt: Attempt = {
  attempt: 1,
  jobId: "landfall-1",
  claimedAt: 1_759_000_000_000,
  startedAt: 1_759_000_001_000,
  endedAt: 1_759_003_601_000,
  outcome: "succeeded",
  blame: null,
  error: null,
  log: "gs://staging/driveroutput",
};

function shown(more: Partial<Attempt>): string[] {
  const runs = [{ run: 1, because: "inputs complete", at: 0, attempts: [{ ...attempt, ...more }] }];
  const lines = taskText(task("a/upload@2025-09-30", { runs })).split("\n");
  return lines.slice(lines.findIndex((line) => line.includes("attempt 1")));
}

test("an attempt is shown with what it used, in hours", () => {
  expect(shown({ usage: { milliDcuSeconds: 4_500_000, shuffleStorageGbSeconds: 7_200 } })).toEqual([
    "    attempt 1  succeeded  job landfall-1",
    "      started 2025-09-27 19:06:41 UTC",
    "      ended   2025-09-27 20:06:41 UTC",
    "      used    1.25 DCU hours, 2 GB hours of shuffle storage",
    "      log     gs://staging/driveroutput",
    "",
  ]);
});

test("nothing is said of what nobody counted", () => {
  for (const more of [{}, { usage: {} }]) {
    expect(shown(more).join("\n")).not.toContain("used");
  }
});
