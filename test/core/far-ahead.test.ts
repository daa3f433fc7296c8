import { expect, test } from "vitest";
import { landingsIds } from "../../core/landings.ts";
import { input, planOf, step } from "../support/plan.ts";
import { world } from "../support/world.ts";

/** Tables with history hold what is valid until further notice in the last day of the calendar. */
const forever = "9999-12-31";

test("the months of a range end with the calendar", () => {
  expect(landingsIds("data.e", { start: "9999-11-30", end: forever })).toEqual([
    "landings/data.e@9999-11",
    "landings/data.e@9999-12",
  ]);
  expect(landingsIds("data.e", { start: "2025-10-02", end: "2025-10-01" })).toEqual([]);
});

test("nothing is done for a day no calendar comes to, as news or as backlog", () => {
  const reader = world(planOf(step("a", [input("data.e")])), {
    externalClosing: { when: "at-landing" },
  });
  reader.land("data.e", forever, 1);
  expect(reader.tasks()).toEqual([]);
  reader.land("data.e", "2025-09-29", 2);
  const nudge = { kind: "backlog", table: "data.e", partitions: [forever, "2025-09-29"] } as const;
  reader.nudge(nudge);
  expect(reader.tasks().map(({ id }) => id)).toEqual(["a/backfill@2025-09-29"]);
});
