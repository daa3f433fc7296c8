import { expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import { givenUp } from "../../services/dispatcher/given-up.ts";
import { input, planOf, step } from "../support/plan.ts";

test("a day is nudged until it was looked at, and the next one then", () => {
  let now = Date.parse("2025-10-05T06:00:00Z");
  const settings = Settings.parse({ giveUpHours: 24 });
  const plan = planOf(step("a", [input("data.e")]));
  const days = givenUp({ plans: { current: () => plan }, settings, clock: { now: () => now } });
  const nudged = () => days.nudges().map((nudge) => ("task" in nudge ? nudge.task : nudge.kind));
  expect(nudged()).toEqual(["a/backfill@2025-10-03"]);
  expect(nudged()).toEqual(["a/backfill@2025-10-03"]);
  days.looked();
  expect(nudged()).toEqual([]);
  now += 86_400_000;
  expect(nudged()).toEqual(["a/backfill@2025-10-04"]);
});
