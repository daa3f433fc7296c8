import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../bundle.ts";
import { planted, withEdits } from "./planted.ts";
import { needsTogether, seedsUntilCaught } from "./run.ts";

/** How many seeds, counted from 1, a bug may live for. */
const seedsMax = 300;

/** Bugs that other tests see, too, are planted by `npm run sim:planted` alone. */
const only = planted.filter(({ seenElsewhere }) => seenElsewhere !== true);
const together = only.filter((bug) => bug.together !== undefined);

describe.concurrent("the simulation catches a planted bug", () => {
  test.each(only)(
    "$name, by seed $seed",
    async (bug) => {
      expect(bug.seed).toBeLessThanOrEqual(seedsMax);
      expect(await seedsUntilCaught(bug, { from: bug.seed, seeds: 1 })).toBe(1);
    },
    600_000,
  );
});

describe.concurrent("several faults together show a planted bug, and none of them is enough alone", () => {
  test.each(together)(
    "$name",
    async (bug) => {
      expect(bug.together?.faults.length).toBeGreaterThan(1);
      expect(await needsTogether(bug)).toBe(true);
    },
    600_000,
  );
});

test("at least 20 bugs that no other test sees, 8 of them by faults together", () => {
  expect(only.length).toBeGreaterThanOrEqual(20);
  expect(together.length).toBeGreaterThanOrEqual(8);
});

test.each(planted)("$name: its edits fit the sources", ({ name, edits }) => {
  for (const edit of edits) {
    const text = readFileSync(join(root, edit.file), "utf8");
    expect(() => withEdits(name, [edit], text)).not.toThrow();
  }
});
