import { expect, test } from "vitest";
import { draftOver, type Known } from "../../core/draft.ts";
import { mergeGone, mergeLandings, mergeRecreated } from "../../core/facts.ts";
import { landingOf } from "../../core/landings.ts";
import type { DocumentId } from "../../schemas/documents.ts";
import type { Landing } from "../../schemas/landings.ts";

const now = Date.parse("2025-10-02T12:00:00Z");
const table = "data.e";

function landing(epoch: number, n: number, more: Partial<Landing> = {}): Landing {
  return { state: "landed", version: { epoch, n }, at: now, seenBy: "delta", ...more };
}

/** Nothing is known of any table yet. */
function nothing() {
  const known = new Map<DocumentId, Known>();
  for (const month of ["2025-08", "2025-09", "2025-10"]) {
    known.set(`landings/${table}@${month}`, { version: null, body: null });
  }
  for (let at = 0; at <= 12; at++) {
    const month = new Date(Date.UTC(2025, 10 + at)).toISOString().slice(0, 7);
    known.set(`landings/${table}@${month}`, { version: null, body: null });
  }
  known.set(`tables/${table}`, { version: null, body: null });
  return draftOver(known);
}

type Fact = (draft: ReturnType<typeof nothing>) => unknown;

const land =
  (partition: string, told: Landing): Fact =>
  (draft) =>
    mergeLandings(draft, [{ table, partition, landing: told, backlog: false }]);
const recreated: Fact = (draft) =>
  mergeGone(draft, mergeRecreated(draft, { table, epoch: 1 }, now), 1);

function states(draft: ReturnType<typeof nothing>): Record<string, string | undefined> {
  const days = ["2025-08-31", "2025-09-29", "2025-09-30"];
  return Object.fromEntries(days.map((day) => [day, landingOf(draft, table, day)?.state]));
}

/** All orders of a list. */
function orders<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((one, at) => orders(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}

test("what a table's former log landed is gone, whenever it is told (I8)", () => {
  const facts: Fact[] = [
    land("2025-08-31", landing(0, 4)),
    land("2025-09-30", landing(0, 5)),
    land("2025-09-30", landing(1, 0)),
    recreated,
  ];
  for (const order of orders(facts)) {
    const draft = nothing();
    for (const fact of [...order, ...order]) fact(draft);
    const { "2025-08-31": former, ...others } = states(draft);
    expect(others).toEqual({ "2025-09-29": undefined, "2025-09-30": "landed" });
    expect(["gone", undefined]).toContain(former);
  }
});

test("partitions that are gone are answered again, for whoever died before they were looked at", () => {
  const draft = nothing();
  land("2025-08-31", landing(0, 4))(draft);
  expect(recreated(draft)).toEqual(["2025-08-31"]);
  expect(recreated(draft)).toEqual(["2025-08-31"]);
});

test("what somebody said by hand stands", () => {
  const draft = nothing();
  recreated(draft);
  land("2025-09-29", landing(0, 1, { seenBy: "manual" }))(draft);
  recreated(draft);
  expect(states(draft)).toMatchObject({ "2025-09-29": "landed" });
});
