import { expect, test } from "vitest";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import { Settings } from "../../schemas/settings.ts";
import { audit } from "./audit.ts";
import { start } from "./times.ts";
import type { Happening, TraceEntry, Wanted } from "./trace.ts";
import { wantedStep } from "./wanted-step.ts";

const hourMs = 3_600_000;
const table = "data.e0";
const step = "t.a/backfill";
const day = "2025-10-02";

const wanted: Wanted = {
  steps: [
    wantedStep({ config: "t.a", mode: "backfill", inputs: [{ table, startDays: 0, endDays: 0 }] }),
  ],
  tables: [{ name: table, writer: null, closing: { when: "at-landing" }, holes: "fine" }],
  streams: [],
  metadata: null,
};
const alerts = AlertSettings.parse({ late: { tables: { [table]: 30 } } });

type At = readonly [hours: number, happening: Happening];

const stored = (hours: number, id: string, body: object): At => [
  hours,
  {
    kind: "stored",
    commit: hours,
    by: "tracker 1",
    id: id as "alerting/open",
    body: body as never,
  },
];

/** What is said of a late day when the world rests so many hours after the first day began. */
function said(restsAt: number, ...happenings: readonly At[]): string[] {
  const watching = { alerts, routes: {} };
  const settings = Settings.parse({});
  const begun = { kind: "begun", settings, wanted, perMinute: null, watching } as const;
  const rests = { kind: "ended", unacked: 0, deadLetters: [] } as const;
  const all: readonly At[] = [[0, begun], ...happenings, [restsAt, rests]];
  const trace = all.map(([hours, one]): TraceEntry => ({ at: start + hours * hourMs, ...one }));
  return audit(trace)
    .filter(({ promise, what }) => promise === "alerts" && what.includes(table))
    .map(({ what }) => what);
}

const waits = stored(26, `tasks/${step}@${day}`, {
  id: `${step}@${day}`,
  step,
  config: "t.a",
  team: "t",
  start: day,
  end: day,
  state: { kind: "waiting" },
  why: "",
  runs: [],
  requestedBy: [],
});
const opened = (partition: string) =>
  stored(80, "alerts/late", {
    key: "late",
    kind: "dependency-late",
    team: "t",
    state: "open",
    count: 1,
    tasks: [],
    awaited: [{ table, partition }],
    routes: {},
  });
const lands = stored(90, `landings/${table}@2025-10`, {
  table,
  partitions: { [day]: { state: "landed", version: { epoch: 0, n: 1 }, at: 0, seenBy: "delta" } },
  writers: {},
});

test("an alert is open of a day that a task waits for, from when it was due until it is forgotten", () => {
  const missing = [`no alert is open of ${table}@${day}, which ${step}@${day} waits for`];
  expect(said(100, waits, opened(day))).toEqual([]);
  expect(said(100, waits)).toEqual(missing);
  expect(said(100, waits, opened("2025-10-03"))).toEqual(missing);
  expect(said(48 + 30, waits)).toEqual([]);
  // Of its readers another may have waited a day longer.
  expect(said(48 + 30 + 6 * 24 - 1, waits)).toEqual(missing);
  expect(said(48 + 30 + 6 * 24 + 1, waits)).toEqual([]);
});

test("none is open of a day that is there", () => {
  expect(said(100, opened(day), lands)).toEqual([`late is open, and ${table}@${day} is there`]);
  expect(said(100, waits, lands)).toEqual([]);
});
