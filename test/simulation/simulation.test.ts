import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, bundled } from "./bundle.ts";
import { type SeedProcess, seedProcess } from "./seed-process.ts";
import { simulate } from "./simulate.ts";

/** Seeds that once broke a promise; what each found is in `docs/simulation.md`. */
const committed = [
  4, 44, 50, 51, 60, 163, 191, 1092, 1185, 2108, 2493, 5168, 5243, 5481, 5819, 7124, 7706, 9142,
  20273, 31455, 31741, 50601, 500017, 710032, 712444, 713850, 714000, 714339, 715941, 716576,
  731181, 733572, 764892, 765061, 765920, 770255, 772131, 773748, 773950, 778548, 8878739, 13438592,
  13438599, 13438612, 15438374, 15858160,
] as const;

describe("seeds that once broke a promise", () => {
  let bundle: Bundle;
  let simulation: SeedProcess;
  beforeAll(async () => {
    bundle = await bundled();
    simulation = seedProcess(bundle);
  });
  afterAll(() => {
    simulation.end();
    bundle.remove();
  });

  test.each(committed)(
    "seed %i keeps every promise",
    async (seed) => {
      expect(await simulation.ask({ ask: "broken", seed })).toEqual([]);
    },
    120_000,
  );
});

test("the same seed is the same trace, byte for byte, and another seed another", async () => {
  const text = async (seed: number) => JSON.stringify((await simulate({ seed })).trace);
  const [one, again, other] = [await text(4), await text(4), await text(5)];
  expect(again).toBe(one);
  expect(other).not.toBe(one);
}, 120_000);
