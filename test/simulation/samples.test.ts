import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfigs } from "../../cli/read-configs.ts";
import { check } from "./check.ts";
import { sampleWorkload } from "./sample-workload.ts";

const samples = resolve(import.meta.dirname, "../../../shared/data/chronon");
const absent = !existsSync(samples);
if (absent) console.log("skipped: the sample repositories of Chronon are not beside this one");

describe.skipIf(absent).each(["airbnb-sample", "zipline-sample"])("days of %s", (name) => {
  test.each([1, 2, 3])(
    "seed %i keeps every promise",
    async (seed) => {
      const workload = sampleWorkload(seed, await readConfigs(resolve(samples, name)));
      expect(workload.releases[0]?.wanted.steps.length).toBeGreaterThan(25);
      const { broken, struck } = await check({ seed, workload });
      expect(broken).toEqual([]);
      expect(struck.length).toBeGreaterThan(0);
    },
    120_000,
  );
});
