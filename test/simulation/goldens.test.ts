import { expect, test } from "vitest";
import { check } from "./check.ts";
import { inWords } from "./words.ts";

/**
 * Runs that were shrunk to what a planted bug needs to show, in plain words: what happens without
 * it. A change of behaviour shows as a change of the text; `vitest -u` takes it over.
 */
const shrunk = [
  {
    seed: 8,
    name: "a reader waits for a writer that will try again",
    only: ["job-lost-after-writing#0b196735"],
    leaving: {
      days: 1,
      configs: 3,
      without: [
        "commands",
        "outages",
        "releases",
        "job-faults",
        "changes",
        "skew",
        "metadata",
        "watching",
      ],
    },
  },
  {
    seed: 211,
    name: "an attempt must itself have written",
    only: [],
    leaving: {
      days: 2,
      configs: 2,
      without: ["commands", "outages", "releases", "changes", "skew", "metadata", "watching"],
    },
  },
  {
    seed: 8,
    name: "events are acked when what they tell is committed",
    only: ["crash-before#000c2365"],
    leaving: {
      days: 1,
      configs: 1,
      without: ["outages", "releases", "job-faults", "changes", "skew", "metadata", "watching"],
    },
  },
] as const;

test.each(shrunk)("seed $seed: $name", async ({ seed, name, only, leaving }) => {
  const without = new Set(leaving.without);
  const { trace, broken, struck } = await check({
    seed,
    only: new Set(only),
    leaving: { ...leaving, without },
  });
  expect(broken).toEqual([]);
  expect([...struck].sort()).toEqual([...only].sort());
  const file = `goldens/${name.replaceAll(" ", "-")}.txt`;
  await expect(`${inWords(trace, broken).join("\n")}\n`).toMatchFileSnapshot(file);
});
