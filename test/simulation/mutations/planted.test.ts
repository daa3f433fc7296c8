import { describe, expect, test } from "vitest";
import { planted } from "./planted.ts";
import { seedsUntilCaught } from "./run.ts";

/** How many seeds, counted from 1, a bug may live for. */
const seedsMax = 300;

describe.concurrent("the simulation catches a planted bug", () => {
  test.each(planted)(
    "$name, by seed $seed",
    async (bug) => {
      expect(bug.seed).toBeLessThanOrEqual(seedsMax);
      expect(await seedsUntilCaught(bug, { from: bug.seed, seeds: 1 })).toBe(1);
    },
    120_000,
  );
});
