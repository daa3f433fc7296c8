import { dependency, events, file, join, stagingQuery } from "../../support/configs.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const info = (executionInfo: object) => ({ executionInfo });

/** Computed in the lake: as soon as it can be, no earlier than a cron says, on command only. */
export const joinsAndStagingQueries: Story = {
  name: "joins-and-staging-queries",
  cast: castOf({ start: "2026-03-03T00:30:00Z" }),
  async play(at) {
    const enriched = { left: events("out.risk_enriched") };
    await at.release("a staging query, and three joins of what it writes", [
      file(
        "staging_queries",
        stagingQuery(
          "risk.enriched",
          { tableDependencies: [dependency("data.raw")] },
          info({ offlineSchedule: "@daily", stepDays: 2 }),
        ),
      ),
      file("joins", join("risk.at_three", enriched, info({ offlineSchedule: "0 3 * * *" }))),
      file(
        "joins",
        join("risk.by_hand", enriched, info({ offlineSchedule: "@never", stepDays: 2 })),
      ),
      file(
        "joins",
        join(
          "risk.newest_only",
          enriched,
          info({ offlineSchedule: "@never", stepDays: 30, historicalBackfill: 0 }),
        ),
      ),
    ]);
    await at.land("data.raw", "2026-03-02");
    await at.until(
      "risk.enriched/backfill@2026-03-02 succeeded",
      "risk.at_three/backfill@2026-03-02 waiting",
    );

    at.later("2026-03-03T03:00:00Z");
    at.happens("it is three o'clock");
    await at.until("risk.at_three/backfill@2026-03-02 succeeded");

    at.later("2026-03-03T10:00:00Z");
    await at.ask("four days of what runs only on command: landfall backfill risk.by_hand", {
      kind: "backfill-requested",
      target: "risk.by_hand",
      start: "2026-02-26",
      end: "2026-03-01",
    });
    await at.until(
      "risk.by_hand/backfill@2026-02-26..2026-02-27 waiting",
      "risk.by_hand/backfill@2026-02-28..2026-03-01 waiting",
    );
    const days = ["2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01"];
    await at.land("data.raw", ...days);
    await at.until(
      "risk.by_hand/backfill@2026-02-26..2026-02-27 succeeded",
      "risk.by_hand/backfill@2026-02-28..2026-03-01 succeeded",
      ...days.map((day) => `risk.at_three/backfill@${day} succeeded`),
    );
    await at.ask(
      "one whose job fills only its last day is never a range: landfall backfill risk.newest_only",
      {
        kind: "backfill-requested",
        target: "risk.newest_only",
        start: "2026-02-28",
        end: "2026-03-02",
      },
    );
    await at.until(
      "risk.newest_only/backfill@2026-02-28 succeeded",
      "risk.newest_only/backfill@2026-03-01 succeeded",
      "risk.newest_only/backfill@2026-03-02 succeeded",
    );
  },
};
