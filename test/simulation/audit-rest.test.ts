import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import { audit } from "./audit.ts";
import { hourMs, start } from "./times.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";
import { wantedStep } from "./wanted-step.ts";

/** The last step of three in a row: the first starts by its schedule, at three in the morning. */
const day = "2025-10-01";
const id = `t.c/backfill@${day}`;

const reads = (table: string) => [{ table, startDays: 0, endDays: 0 }];
const wanted: Wanted = {
  steps: [
    { ...wantedStep({ config: "t.a", mode: "backfill" }), output: "out.a", startsAtHour: 3 },
    wantedStep({ config: "t.b", mode: "backfill", inputs: reads("out.a"), output: "out.b" }),
    wantedStep({ config: "t.c", mode: "backfill", inputs: reads("out.b"), output: "out.c" }),
  ],
  tables: ["a", "b", "c"].map((name) => ({
    name: `out.${name}`,
    writer: `t.${name}/backfill`,
    closing: { when: "at-landing" },
    holes: "fine",
  })),
  streams: [],
  metadata: null,
};

/** What is said of that step's task when the world rests so many hours after its day. */
function said(restsAt: number): string[] {
  const begun: Happening = { kind: "begun", settings: Settings.parse({}), wanted, perMinute: null };
  const launching = {
    id,
    step: "t.c/backfill",
    start: day,
    end: day,
    state: { kind: "launching" },
    why: "attempt 1 of run 1 is being submitted",
    runs: [],
    requestedBy: [],
    reads: {},
  };
  const rests: Happening = { kind: "ended", unacked: 0, deadLetters: [] };
  const overAt = start + 24 * hourMs;
  const trace: readonly TraceEntry[] = [
    { at: start, ...begun },
    {
      at: overAt + 3.8 * hourMs,
      kind: "stored",
      commit: 1,
      by: "dispatcher 1",
      id: `tasks/${id}`,
      body: launching as never,
    },
    { at: overAt + restsAt * hourMs, ...rests },
  ];
  return audit(trace).flatMap(({ promise, what }) => (promise === "liveness" ? [what] : []));
}

test("what stands on a step whose schedule has just come may be under way at rest", () => {
  expect(said(4)).toEqual([]);
});

test("not ten hours later", () => {
  expect(said(12.9)).toEqual([]);
  expect(said(13.1)).toEqual([`${id} is still launching: attempt 1 of run 1 is being submitted`]);
});
