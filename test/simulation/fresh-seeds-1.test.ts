import { expect, test } from "vitest";
import { failingOf, firstFreshSeed } from "./fresh-seeds.ts";

/** Half of 200 seeds; the other half runs beside it. */
const from = firstFreshSeed();

test(`seeds ${from} to ${from + 99} keep every promise`, async () => {
  expect(await failingOf(from, 100)).toEqual([]);
}, 600_000);
