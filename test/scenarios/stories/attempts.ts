import { dependency, file, groupBy, stagingQuery } from "../../support/configs.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const day = "2026-03-02";

/** Every finished attempt is a row of the table `landfall.job_metrics`, however it ended. */
export const attempts: Story = {
  name: "job-metrics",
  cast: castOf({
    start: "2026-03-03T00:30:00Z",
    faults: [
      {
        step: "risk.merchants/upload",
        attempt: 1,
        does: "fail",
        message: "org.apache.spark.SparkException: Job aborted due to stage failure",
      },
      { step: "risk.merchants/upload-to-kv", attempt: 1, does: "write-nothing" },
      { step: "risk.scores/backfill", does: "write-nothing" },
      ...[1, 2].map((attempt) => ({
        step: "risk.exports/backfill",
        attempt,
        does: "fail",
        message:
          "org.apache.spark.SparkException: Exit status: -100. Diagnostics: Container released on a *lost* node",
      })),
    ],
  }),
  async play(at) {
    const query = (name: string) =>
      file(
        "staging_queries",
        stagingQuery(
          name,
          { tableDependencies: [dependency("data.events")] },
          { executionInfo: { offlineSchedule: "@daily" } },
        ),
      );
    await at.release("an online GroupBy and two staging queries", [
      file("group_bys", groupBy("risk.merchants", {}, { online: 1 })),
      query("risk.scores"),
      query("risk.exports"),
    ]);
    await at.land("data.events", day);
    await at.until(
      `risk.merchants/upload-to-kv@${day} succeeded`,
      `risk.scores/backfill@${day} failed`,
      `risk.exports/backfill@${day} succeeded`,
    );
    at.happens("landfall.job_metrics");
    await at.attempts(9);
  },
};
