import { dependency, file, stagingQuery } from "../../support/configs.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const query = (name: string, table: string) =>
  file(
    "staging_queries",
    stagingQuery(
      name,
      { tableDependencies: [dependency(table)] },
      { executionInfo: { offlineSchedule: "@daily" } },
    ),
  );

const storm = Array.from({ length: 12 }, (_, n) => `growth.q${n + 10}`);
const day = "2026-03-02";
const backfill = (name: string) => `${name}/backfill@${day}`;

/** Who is told what, when: one failure, a late table, a storm, and that they are over. */
export const alerts: Story = {
  name: "alerts",
  cast: castOf({
    start: "2026-03-03T00:30:00Z",
    settings: { retries: { job: { max: 0 } } },
    faults: [
      {
        step: "risk.scores/backfill",
        run: 1,
        does: "fail",
        message: "org.apache.spark.sql.AnalysisException: cannot resolve 'amount'",
      },
      ...storm.map((name) => ({
        step: `${name}/backfill`,
        run: 1,
        does: "fail",
        message: "java.net.UnknownHostException: metastore",
      })),
    ],
    alerts: { late: { tables: { "data.raw": 6 } } },
  }),
  async play(at) {
    await at.release("a query of the risk team, twelve of the growth team", [
      query("risk.scores", "data.raw"),
      ...storm.map((name) => query(name, "data.clicks")),
    ]);
    at.later("2026-03-03T06:00:00Z");
    at.happens("six hours after its day data.raw is not there");
    await at.notices(1);
    await at.land("data.raw", day);
    await at.until(`${backfill("risk.scores")} failed`);
    await at.notices(3);
    await at.ask("ana corrected it: landfall retry", {
      kind: "task-retry",
      task: backfill("risk.scores"),
    });
    await at.until(`${backfill("risk.scores")} succeeded`);
    await at.notices(4);
    await at.land("data.clicks", day);
    await at.until(...storm.map((name) => `${backfill(name)} failed`));
    await at.notices(5);
    await at.ask(
      "the metastore is back, and ana retries all",
      ...storm.map((name) => ({ kind: "task-retry", task: backfill(name) })),
    );
    await at.until(...storm.map((name) => `${backfill(name)} succeeded`));
    await at.notices(6);
  },
};
