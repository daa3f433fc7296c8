import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import { audit } from "./audit.ts";
import { hourMs } from "./times.ts";
import type { Happening, TraceEntry, Wanted, WantedRow } from "./trace.ts";

const key = "joins/t.a";
const row: WantedRow = { key, content: "one", isOurs: true };
const others: WantedRow = { key: "joins/w.b", content: "theirs", isOurs: false };
/** As many others as it takes for one to be deleted. */
const many = Array.from({ length: 20 }, (_, nth) => ({ ...row, key: `joins/t.m${nth}` }));
const wanted: Wanted = { steps: [], tables: [], streams: [], metadata: [row, others, ...many] };

const day = 24 * hourMs;
type At = readonly [hours: number, happening: Happening];

/** Promises broken by what happens at hours; a release of all rows decides from the first on. */
function broken(happenings: readonly At[], removal: "keep" | "delete" = "delete"): string[] {
  const settings = Settings.parse({ metadata: { removal } });
  const begun: TraceEntry = { at: 0, kind: "begun", settings, wanted, perMinute: null };
  const rest = happenings.map(([hours, one]): TraceEntry => ({ at: hours * hourMs, ...one }));
  return [...new Set(audit([begun, ...rest]).map(({ promise }) => promise))];
}

const our = wanted.metadata?.filter(({ isOurs }) => isOurs) ?? [];
const writes = (hours: number, rows: readonly WantedRow[] = our, by: string | null = "d"): At => {
  const cells = rows.map((one) => ({
    key: one.key,
    content: one.content,
    timestamp: hours * hourMs,
  }));
  return [hours, { kind: "metadata-rows", rows: cells, by }];
};
const deletes = (hours: number, keys: readonly string[], by: string | null = "d"): At => {
  const rows = keys.map((one) => ({ key: one, content: null, timestamp: 0 }));
  return [hours, { kind: "metadata-rows", rows, by }];
};

let commits = 0;
const stored = (hours: number, id: string, body: object): At => {
  const document = { id: id as "metadata/current", body: body as never };
  return [hours, { kind: "stored", commit: (commits += 1), by: "d", ...document }];
};
const ledger = (hours: number, rows: readonly WantedRow[] = our): At => {
  const entries = rows.map((one) => [one.key, { hash: one.content, uploadedAt: 0 }]);
  return stored(hours, "metadata-rows/t", { schema: 1, rows: Object.fromEntries(entries) });
};
const recorded = (hours: number, refreshedAt: number, release = "first"): At =>
  stored(hours, "metadata/current", {
    schema: 1,
    table: "CHRONON_METADATA",
    uploaded: { hash: release, release, rows: 1, changed: 1, at: hours, effectiveBy: hours },
    refreshedAt: refreshedAt * hourMs,
    pages: ["t"],
    trouble: null,
    remark: null,
    writing: null,
  });
const uploaded = [writes(1), ledger(1), recorded(1, 1)];
const lacking = (left: readonly WantedRow[]): At => [
  2,
  { kind: "released", release: "second", wanted: { ...wanted, metadata: left } },
];
const rests = (hours: number): At => [hours, { kind: "ended", unacked: 0, deadLetters: [] }];

test("an upload that is whole, refreshed every day", () => {
  const again = [writes(25), recorded(25, 25)];
  expect(broken([...uploaded, ...again, rests(1 + day / hourMs + 20)])).toEqual([]);
});

test("M1: an upload recorded before its rows, without one of them, or with what nobody asked for", () => {
  expect(broken([recorded(1, 1), writes(1)])).toEqual(["M1"]);
  expect(broken([writes(1, our.slice(1)), recorded(1, 1)])).toEqual(["M1"]);
  expect(broken([writes(1), writes(2, our.slice(1)), recorded(2, 2)])).toEqual(["M1"]);
  expect(broken([writes(1, [others])])).toEqual(["M1"]);
  expect(broken([writes(1, [{ ...row, content: "two" }])])).toEqual(["M1"]);
});

test("M1: of two dispatchers' cells the newest lies there, whichever came last", () => {
  const rows = our.map((one) => ({ key: one.key, content: one.content, timestamp: 2 * hourMs }));
  const ahead: At = [1, { kind: "metadata-rows", rows, by: "another" }];
  expect(broken([ahead, writes(1), recorded(1, 1)])).toEqual([]);
});

test("M1: what somebody else does to a row after it was written is theirs", () => {
  const theirs = writes(1, [{ ...row, content: "other" }], null);
  expect(broken([writes(1), theirs, recorded(1, 1)])).toEqual([]);
});

test("M4: rows deleted that the ledger has not, that somebody else wrote, or that are to be kept", () => {
  const second = [...uploaded, lacking(wanted.metadata?.slice(1) ?? [])];
  expect(broken([...second, deletes(3, [key])])).toEqual([]);
  expect(broken([...second, ledger(2, many), deletes(3, [key])])).toEqual(["M4"]);
  const theirs = writes(2, [{ ...row, content: "other" }], null);
  expect(broken([...second, theirs, deletes(3, [key])])).toEqual(["M4"]);
  expect(broken([...second, deletes(3, [key])], "keep")).toEqual(["M4"]);
});

test("M4: a deletion that arrives when another release wants the row, and it was written again", () => {
  const decides = (hours: number, release: string) => stored(hours, "plans/current", { release });
  const back: At = [3, { kind: "released", release: "third", wanted }];
  const until = [...uploaded, lacking(many), decides(2, "second"), back, decides(3, "third")];
  expect(broken([...until, writes(4, [row]), deletes(5, [key])])).toEqual(["M4"]);
  expect(broken([...until, deletes(4, [key]), writes(5, [row])])).toEqual([]);
  const replaced = decides(5, "second");
  expect(broken([...until, writes(4, [row]), replaced, deletes(6, [key])])).toEqual([]);
});

test("M4: more than a twentieth deleted after a release", () => {
  const second = [...uploaded, lacking(many.slice(1))];
  expect(broken([...second, deletes(3, [key, "joins/t.m0"])])).toEqual(["M4"]);
  const between = [deletes(3, [key]), ledger(3, many), recorded(3, 1, "second")];
  const third: At = [4, { kind: "released", release: "third", wanted }];
  expect(broken([...second, ...between, third, deletes(5, ["joins/t.m0"])])).toEqual([]);
});

test("M4: rows that somebody named are deleted, however many and whatever is to be kept", () => {
  const keys = [key, "joins/t.m0", "joins/t.m1"];
  const command = {
    kind: "metadata-delete",
    schema: 1,
    id: "c",
    by: "operator",
    at: 0,
    keys,
  } as const;
  const asks: At = [3, { kind: "commanded", command }];
  const takes = stored(3, "commands/c", { command, outcome: { kind: "accepted", tasks: [] } });
  const second = [...uploaded, lacking(many.slice(2))];
  expect(broken([...second, asks, deletes(4, keys)], "keep")).toEqual([]);
  expect(broken([...second, deletes(2, keys), asks], "keep")).toEqual(["M4"]);
  expect(broken([...second, asks, takes, deletes(4, keys), rests(5)])).toEqual([]);
  expect(broken([...second, asks, takes, deletes(4, keys.slice(1)), rests(5)])).toEqual([
    "liveness",
  ]);
});

test("liveness: rows that are not there, or were not refreshed, and uploads that never came", () => {
  expect(broken([rests(48)])).toEqual(["liveness"]);
  expect(broken([...uploaded, rests(1 + day / hourMs + 20)])).toEqual(["liveness"]);
  expect(broken([...uploaded, deletes(3, [key], null), rests(20)])).toEqual(["liveness"]);
});
