import { describe, expect, test } from "vitest";
import { entities, events, file, groupBy, join } from "../support/configs.ts";
import { check } from "./check.ts";
import { sampleWorkload } from "./sample-workload.ts";

const consistency = {
  logTable: "logs.requests",
  schemaTable: "out.logs_schemas",
  comparisonStep: true,
};

/** Two joins of a log, one of airbnb's flavour; a GroupBy of the release writes the schemas. */
const clicks = groupBy("risk.clicks", { sources: [events("data.clicks")] }, { online: 1 });
const users = groupBy("risk.users", { sources: [entities("data.users")], aggregations: null });
const sampled = { online: 1, samplePercent: 10, consistencySamplePercent: 5 };
const asked = { ...sampled, customJson: '{"check_consistency": true}' };
const executionInfo = { offlineSchedule: "@daily" };
const files = [
  file("group_bys", clicks),
  file(
    "group_bys",
    groupBy(
      "logs.schemas",
      { sources: [entities("data.published")], aggregations: null },
      { executionInfo },
    ),
  ),
  file(
    "joins",
    join("risk.checkout", { joinParts: [{ groupBy: clicks }, { groupBy: users }] }, sampled),
  ),
  file("joins", join("ads.auction", { joinParts: [{ groupBy: users }] }, asked), {
    root: "production",
  }),
];

describe("days of joins whose consistency is checked", () => {
  test.each([2, 3, 4, 5, 6, 7, 8])(
    "seed %i keeps every promise",
    async (seed) => {
      const workload = sampleWorkload(seed, files, { consistency });
      const { broken, struck, trace } = await check({ seed, workload });
      expect(broken).toEqual([]);
      expect(struck.length).toBeGreaterThan(0);
      const published = trace.filter(
        (entry) => entry.kind === "stored" && entry.id.startsWith("consistency/"),
      );
      expect(published.length).toBeGreaterThan(0);
    },
    120_000,
  );
});
