import { afterEach, describe, expect, test } from "vitest";
import type { MetadataDocument } from "../../schemas/metadata.ts";
import { Settings } from "../../schemas/settings.ts";
import { type AlertingPlace, alertingPlace } from "../support/alerting-place.ts";
import { step } from "../support/plan.ts";
import { put } from "../support/task-stores.ts";

const hourMs = 3_600_000;
const now = Date.parse("2025-10-02T06:00:00Z");
const sentence = "confs/1/a, the conf of joins/risk.a, is not in the configs store: release it";

let at: AlertingPlace;

afterEach(() => at.close());

/** A place whose plan has metadata, with its head as it is; refreshed an hour ago where not said otherwise. */
async function place(more: Partial<MetadataDocument>): Promise<void> {
  at = await alertingPlace(now);
  await at.releaseOf({ metadata: [] }, step("risk.a", []));
  await head(more);
}

function head(more: Partial<MetadataDocument>): Promise<unknown> {
  return put(at.ports.store, "metadata/current", {
    schema: 1,
    table: "CHRONON_METADATA",
    uploaded: null,
    refreshedAt: now - hourMs,
    pages: [],
    trouble: null,
    remark: null,
    writing: null,
    ...more,
  });
}

describe("metadata that is not kept up is one alert of no team", () => {
  test("once something is wrong for six hours, until nothing is", async () => {
    await place({ trouble: { sentence, since: now - 5.9 * hourMs } });
    const look = at.looks();
    await look();
    expect(at.told()).toEqual([]);
    at.passes(0.2 * hourMs);
    await look();
    expect(at.told()).toEqual(["opened metadata-stale landfall 1"]);
    expect(await at.open()).toMatchObject([
      {
        priority: "P2",
        summary: `metadata table not kept up: CHRONON_METADATA: ${sentence}; the day on which all its rows were last written is 2025-10-02`,
        since: now + 0.1 * hourMs,
      },
    ]);
    await head({});
    await look();
    at.passes(60_000);
    await look();
    expect(at.told().at(-1)).toBe("closed metadata-stale landfall 1");
  });

  test("once its refresh is due for six hours, whoever should have seen to it", async () => {
    await place({ refreshedAt: now - 29 * hourMs });
    const look = at.looks();
    await look();
    expect(at.told()).toEqual([]);
    at.passes(hourMs);
    await look();
    expect(at.told()).toEqual(["opened metadata-stale landfall 1"]);
    await head({ refreshedAt: now + hourMs });
    await look();
    at.passes(60_000);
    await look();
    expect(at.told().at(-1)).toBe("closed metadata-stale landfall 1");
  });

  test.each([
    { what: "refreshed every four days", metadata: { refreshMs: 96 * hourMs }, days: 4 },
    { what: "left to others by now", metadata: { by: "others" }, days: 30 },
  ])("not where it is $what", async ({ metadata, days }) => {
    await place({ refreshedAt: now - days * 24 * hourMs });
    const settings = { ...at.ports.settings, metadata: Settings.parse({ metadata }).metadata };
    await at.looks({ settings })();
    expect(await at.open()).toEqual([]);
  });

  test("not before anything was written", async () => {
    at = await alertingPlace(now);
    await at.releaseOf({ metadata: [] }, step("risk.a", []));
    await at.looks()();
    expect(await at.open()).toEqual([]);
  });
});
