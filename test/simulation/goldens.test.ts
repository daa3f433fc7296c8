import { expect, test } from "vitest";
import { check } from "./check.ts";
import { inWords } from "./words.ts";

/**
 * Runs of seeds shrunk to what a planted bug needed to show, in plain words: what happens without it. A
 * change of behaviour shows as a change of the text; `vitest -u` takes it over.
 */
const quiet = ["commands", "outages", "releases", "job-faults", "skew"] as const;
const shrunk = [
  {
    seed: 7,
    name: "a day of a window is deleted and comes back",
    leaving: { configs: 1, without: new Set(quiet) },
  },
  {
    seed: 10,
    name: "attempts after the first wait for a slot",
    leaving: {
      days: 1,
      configs: 1,
      without: new Set(["commands", "outages", "releases", "changes", "skew"] as const),
    },
  },
  {
    seed: 3,
    name: "old days that another config reads are not skipped",
    leaving: { days: 1, configs: 4, without: new Set([...quiet, "changes"] as const) },
  },
] as const;

test.each(shrunk)("seed $seed: $name", async ({ seed, name, leaving }) => {
  const { trace, broken } = await check({ seed, only: new Set(), leaving });
  expect(broken).toEqual([]);
  const file = `goldens/${name.replaceAll(" ", "-")}.txt`;
  await expect(`${inWords(trace, broken).join("\n")}\n`).toMatchFileSnapshot(file);
});
