import { events, file, groupBy } from "../../support/configs.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const online = { online: 1 };
const merchants = file("group_bys", groupBy("risk.merchants", {}, online));
const clicks = file(
  "group_bys",
  groupBy("growth.clicks", { sources: [events("data.clicks")] }, online),
);

/** From a source to the online store: each day, several at once, late ones, and a team's own chain. */
export const groupByBatch: Story = {
  name: "group-by-batch",
  cast: castOf({
    start: "2026-03-03T00:30:00Z",
    settings: { teams: { growth: { backfillBeforeUpload: true } } },
    faults: [
      {
        step: "risk.merchants/upload",
        partition: "2026-03-05",
        attempt: 1,
        does: "fail",
        message: "java.lang.OutOfMemoryError: Java heap space",
      },
      {
        step: "risk.merchants/upload-to-kv",
        partition: "2026-03-05",
        attempt: 1,
        does: "write-nothing",
      },
    ],
  }),
  async play(at) {
    const upload = (day: string) => `risk.merchants/upload@${day}`;
    const toKv = (day: string) => `risk.merchants/upload-to-kv@${day}`;
    await at.release("two online GroupBys; the growth team has a backfill before its upload", [
      merchants,
      clicks,
    ]);
    await at.land("data.events", "2026-03-02");
    await at.until(`${upload("2026-03-02")} succeeded`, `${toKv("2026-03-02")} succeeded`);
    await at.served("risk.merchants");

    await at.land("data.clicks", "2026-03-02");
    await at.until("growth.clicks/upload-to-kv@2026-03-02 succeeded");
    await at.served("growth.clicks");

    at.later("2026-03-05T00:30:00Z");
    await at.land("data.events", "2026-03-04");
    await at.until(`${toKv("2026-03-04")} succeeded`);
    await at.served("risk.merchants");
    await at.land("data.events", "2026-03-03");
    await at.until(`${upload("2026-03-03")} skipped`);
    await at.served("risk.merchants");

    at.later("2026-03-06T00:30:00Z");
    await at.land("data.events", "2026-03-05");
    await at.until(`${toKv("2026-03-05")} succeeded`);
    await at.served("risk.merchants");

    at.later("2026-03-06T09:00:00Z");
    await at.ask("ana wants the day that was left out: landfall backfill risk.merchants/upload", {
      kind: "backfill-requested",
      target: "risk.merchants/upload",
      start: "2026-03-03",
      end: "2026-03-03",
    });
    await at.until(`${upload("2026-03-03")} succeeded`);
    await at.ask("and loads it: landfall backfill risk.merchants/upload-to-kv", {
      kind: "backfill-requested",
      target: "risk.merchants/upload-to-kv",
      start: "2026-03-03",
      end: "2026-03-03",
    });
    await at.until(`${toKv("2026-03-03")} succeeded`);
    await at.served("risk.merchants");

    await at.ask("and its features in the lake: landfall backfill risk.merchants/backfill", {
      kind: "backfill-requested",
      target: "risk.merchants/backfill",
      start: "2026-03-03",
      end: "2026-03-05",
    });
    await at.until("risk.merchants/backfill@2026-03-03..2026-03-05 succeeded");
  },
};
