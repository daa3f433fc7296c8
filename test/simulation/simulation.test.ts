import { expect, test } from "vitest";
import { check } from "./check.ts";
import { simulate } from "./simulate.ts";

/** Seeds that once broke a promise; what each found is in `docs/simulation.md`. */
const committed = [4, 44, 50, 51, 60, 163, 191, 1092, 1185, 2108, 2493] as const;

/** Where the other seeds begin; another number is another set. */
const from = Number(process.env["LANDFALL_SIM_FROM"] ?? 1);
const seeds = 59;

test.each(committed)("seed %i keeps every promise", async (seed) => {
  expect((await check({ seed })).broken).toEqual([]);
});

test(`seeds ${from} to ${from + seeds - 1} keep every promise`, async () => {
  const failing: string[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const [first] = (await check({ seed })).broken;
    if (first !== undefined) failing.push(`seed ${seed}: ${first.promise} ${first.what}`);
  }
  expect(failing).toEqual([]);
}, 240_000);

test("the same seed is the same trace, byte for byte, and another seed another", async () => {
  const text = async (seed: number) => JSON.stringify((await simulate({ seed })).trace);
  const [one, again, other] = [await text(4), await text(4), await text(5)];
  expect(again).toBe(one);
  expect(other).not.toBe(one);
});
