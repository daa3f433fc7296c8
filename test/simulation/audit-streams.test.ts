import { describe, expect, test } from "vitest";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import { Settings } from "../../schemas/settings.ts";
import { audit } from "./audit.ts";
import { hourMs, start } from "./times.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";
import { wantedStep } from "./wanted-step.ts";

const day = "2025-10-01";
const task = `t.s/streaming@${day}`;
const load = wantedStep({ config: "t.s", mode: "upload-to-kv", latestOnly: true });
const wanted: Wanted = {
  steps: [load],
  tables: [],
  streams: [{ config: "t.s", content: 1 }],
  metadata: null,
};

type At = readonly [hours: number, happening: Happening];

/** What is said of promises that start so, when the world rests after so many hours. */
function said(restsAt: number, promise: string, ...happenings: readonly At[]): string[] {
  const watching = { alerts: AlertSettings.parse({ servingHours: 30 }), routes: {} };
  const settings = Settings.parse({});
  const begun = { kind: "begun", settings, wanted, perMinute: null, watching } as const;
  const rests = { kind: "ended", unacked: 0, deadLetters: [] } as const;
  const all: readonly At[] = [[0, begun], ...happenings, [restsAt, rests]];
  const trace = all.map(([hours, one]): TraceEntry => ({ at: start + hours * hourMs, ...one }));
  return audit(trace)
    .filter((broken) => broken.promise.startsWith(promise))
    .map(({ what }) => what);
}

let commits = 0;
const stored = (hours: number, id: string, body: object): At => {
  const document = { id: id as "alerting/open", body: body as never };
  return [hours, { kind: "stored", commit: (commits += 1), by: "dispatcher 1", ...document }];
};
/** A batch of the day was loaded. */
const served = stored(2, `tasks/${load.id}@${day}`, {
  id: `${load.id}@${day}`,
  step: load.id,
  config: "t.s",
  team: "t",
  start: day,
  end: day,
  state: { kind: "succeeded", run: 1, at: 0, remark: null },
  runs: [],
  requestedBy: [],
});
const attempt = (jobId: string) => ({ jobId, task, attempt: 1, endedAt: null });
const stream = (hours: number, state: object, ...jobs: readonly string[]) =>
  stored(hours, "streams/t.s", {
    config: "t.s",
    attempts: jobs.map(attempt),
    troubles: [],
    state,
    why: "its state is gone",
  });
const begins = (hours: number, jobId: string, from: string | null): At => [
  hours,
  { kind: "job-begun", jobId, task, run: 1, attempt: 1, from },
];
const ends = (hours: number, jobId: string): At => [
  hours,
  { kind: "job-ended", jobId, state: "failed" },
];
const completes = (hours: number, jobId: string, path: string): At => [
  hours,
  { kind: "checkpoint", jobId, path },
];
const running = { kind: "running" };
const held = { kind: "held", reason: "state-unknown" };
const [one, other] = ["checkpoints/a/chk-1", "checkpoints/b/chk-1"];
/** Landfall's job ran, completed a checkpoint and failed. */
const ran = [
  stream(3, running, "landfall-1"),
  begins(3.1, "landfall-1", null),
  completes(4, "landfall-1", one),
  ends(5, "landfall-1"),
] as const;

describe("a job of a stream", () => {
  test("is stored before it begins", () => {
    expect(said(9, "S", ...ran)).toEqual([]);
    expect(said(9, "S1", begins(3, "landfall-1", null))).toHaveLength(1);
  });

  test("begins beside no other, but for one that somebody began in the meantime", () => {
    const second = [stream(6, running, "landfall-2"), begins(6.1, "landfall-2", one)] as const;
    expect(said(9, "S2", ...ran, ...second)).toEqual([]);
    expect(said(9, "S2", ...ran.slice(0, 3), ...second)).toHaveLength(1);
    expect(said(9, "S2", begins(6.09, "somebody-1", null), ...second)).toEqual([]);
    expect(said(9, "S2", begins(5, "somebody-1", null), ...second)).toHaveLength(1);
  });

  test("goes on from the newest checkpoint, whoever wrote it", () => {
    const goesOn = (from: string | null): readonly At[] => [
      stream(8, running, "landfall-2"),
      begins(8.1, "landfall-2", from),
    ];
    const somebodys = [
      begins(6, "somebody-1", `gs://state/${one}`),
      completes(7, "somebody-1", other),
      ends(7.5, "somebody-1"),
    ] as const;
    expect(said(9, "S4", ...ran, ...goesOn(one))).toEqual([]);
    expect(said(9, "S4", ...ran, ...goesOn(null))).toHaveLength(1);
    expect(said(9, "S4", ...ran, ...somebodys, ...goesOn(other))).toEqual([]);
    expect(said(9, "S4", ...ran, ...somebodys, ...goesOn(one))).toHaveLength(1);
  });
});

describe("a stream at rest", () => {
  const says = (...happenings: readonly At[]) => said(20, "liveness", served, ...happenings);

  test("runs", () => {
    expect(says(...ran.slice(0, 3))).toEqual([]);
    expect(says(...ran)).toEqual(["0 jobs keep the stream of t.s: its state is gone"]);
  });

  test("may be held after a job of somebody else that did not go on from its state", () => {
    const astray = [begins(6, "somebody-1", null), ends(7, "somebody-1")] as const;
    const rightly = [begins(6, "somebody-1", one), ends(7, "somebody-1")] as const;
    expect(says(...ran, ...astray, stream(8, held, "landfall-1"))).toEqual([]);
    const wrong = ["the stream of t.s is held: its state is gone"];
    expect(says(...ran, ...rightly, stream(8, held, "landfall-1"))).toEqual(wrong);
    expect(says(...ran, stream(8, held, "landfall-1"))).toEqual(wrong);
  });
});

test("a batch counts as old from the next look of a tracker on", () => {
  const says = (hours: number) => said(hours, "alerts", served).length;
  // Its day is over after 24 hours, and a batch may be 30 hours old.
  expect(says(24 + 30 + 2)).toBe(0);
  expect(says(24 + 30 + 4)).toBeGreaterThan(0);
});
