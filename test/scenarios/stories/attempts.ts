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
    ],
  }),
  async play(at) {
    await at.release("an online GroupBy and a staging query", [
      file("group_bys", groupBy("risk.merchants", {}, { online: 1 })),
      file(
        "staging_queries",
        stagingQuery(
          "risk.scores",
          { tableDependencies: [dependency("data.events")] },
          { executionInfo: { offlineSchedule: "@daily" } },
        ),
      ),
    ]);
    await at.land("data.events", day);
    await at.until(
      `risk.merchants/upload-to-kv@${day} succeeded`,
      `risk.scores/backfill@${day} failed`,
    );
    at.happens("landfall.job_metrics");
    await at.attempts(6);
  },
};
