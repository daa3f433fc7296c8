import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { audit } from "./audit.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";
import { wantedStep } from "./wanted-step.ts";

const day = "2025-10-02";
const step = wantedStep({ config: "t.a", mode: "upload-to-kv", latestOnly: true });
const wanted: Wanted = { steps: [step], tables: [], streams: [], metadata: null };
const state = { kind: "succeeded", run: 1, at: 0, remark: null };
const task = { id: `${step.id}@${day}`, step: step.id, config: "t.a", end: day, state };

/** Promises broken when an upload-to-kv of the day is said to have succeeded after what happens. */
function broken(...happenings: readonly Happening[]): string[] {
  const body = { ...task, runs: [], reads: {}, before: {}, requestedBy: [] } as never as Task;
  const stored = { kind: "stored", commit: 1, by: "d", id: `tasks/${task.id}`, body } as const;
  const begun = { kind: "begun", settings: Settings.parse({}), wanted, perMinute: null } as const;
  const all = [begun, ...happenings, stored];
  const trace = all.map((one, nth): TraceEntry => ({ at: nth, ...one }));
  return audit(trace).map(({ promise, what }) => `${promise} ${what}`);
}

const row = (of: string, cellDay = of): Happening => ({
  kind: "online-rows",
  config: "t.a",
  day: of,
  cellDay,
  jobId: "job",
});
const unserved = [`I5 ${task.id} says succeeded, the online store serves no such day`];

test("a success whose row, or a newer day's, is there", () => {
  expect(broken(row(day))).toEqual([]);
  expect(broken(row("2025-10-04"))).toEqual([]);
});

test("I5: a success without its row, on an older day's, or on one that contradicts itself", () => {
  expect(broken()).toEqual(unserved);
  expect(broken(row("2025-10-01"))).toEqual(unserved);
  expect(broken(row("2025-10-01", day))).toEqual(unserved);
});

test("the newest cell is the one that is read", () => {
  expect(broken(row("2025-10-03", "2025-10-04"), row(day))).toEqual(unserved);
  expect(broken(row("2025-10-03"), row("2025-10-01"))).toEqual([]);
});
