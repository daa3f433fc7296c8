import { parquetWriteBuffer } from "hyparquet-writer";
import { consistencyText } from "../../../cli/consistency-text.ts";
import { commitDelta } from "../../../lake/delta-writer.ts";
import { events, file, groupBy, join } from "../../support/configs.ts";
import { castOf } from "../../support/story/stage.ts";
import type { Story } from "../../support/story/story.ts";

const name = "risk.checkout";
const metrics = { path: "out/risk_checkout_consistency", partitionColumn: "ds" };
const logs = { logTable: "logs.requests", schemaTable: "logs.schemas" };

/** Whether a join serves what it was trained on: from the log of fetchers to rates per feature. */
export const consistency: Story = {
  name: "consistency",
  cast: castOf({
    start: "2026-03-03T00:30:00Z",
    settings: { consistency: logs, tables: { "logs.requests": { closing: { when: "manual" } } } },
    faults: [{ step: `${name}/log-flattener`, partition: "2026-03-03", does: "write-nothing" }],
  }),
  async play(at) {
    const step = (mode: string, day: string) => `${name}/${mode}@${day}`;
    const sampled = { online: 1, samplePercent: 10, consistencySamplePercent: 5 };
    await at.release("a join of which a share of requests is logged and compared", [
      file(
        "joins",
        join(
          name,
          { left: events("data.checkouts"), joinParts: [{ groupBy: groupBy("risk.merchants") }] },
          sampled,
        ),
      ),
    ]);
    await at.land("logs.schemas", "2026-03-02");
    await at.until(`${step("log-flattener", "2026-03-02")} waiting`);
    await at.manual("logs.requests", "2026-03-02");
    await at.until(
      `${step("log-flattener", "2026-03-02")} succeeded`,
      `${step("build-comparison-table", "2026-03-02")} waiting`,
    );
    await at.land("data.events", "2026-03-02");
    await at.until(`${step("publish-metrics", "2026-03-02")} succeeded`);
    const found = await at.document(`consistency/${name}@2026-03-02`, () => true);
    at.line(consistencyText([found]));

    at.happens("somebody computes the day again by hand, of two other features");
    await commitDelta(at.stage.world.lake, metrics, {
      partitions: [{ partition: "2026-03-02", rows: 1 }],
      mode: "overwrite-partitions",
      operation: "WRITE",
      engineInfo: "a notebook",
      dataFile: () => fileOf({ amount_sum: 40, late_mismatch_sum: 0 }),
      at: at.stage.clock.now(),
    });
    await at.document(`consistency/${name}@2026-03-02`, ({ compared }) => compared === 2);
    await at.until(`${step("publish-metrics", "2026-03-02")} succeeded`);

    at.later("2026-03-04T00:30:00Z");
    await at.land("logs.schemas", "2026-03-03");
    await at.manual("logs.requests", "2026-03-03");
    await at.until(`${step("log-flattener", "2026-03-03")} failed`);
  },
};

/** An hour of a thousand requests; of each feature as many differ as is said. */
function fileOf(mismatches: Readonly<Record<string, number>>): Uint8Array {
  const column = (of: string, n: number) => ({
    name: of,
    data: [BigInt(n)],
    type: "INT64" as const,
  });
  const columnData = Object.entries(mismatches).flatMap(([feature, mismatched]) => [
    column(`${feature}_both_null_sum`, 0),
    column(`${feature}_left_null_sum`, 0),
    column(`${feature}_mismatch_sum`, mismatched),
    column(`${feature}_right_null_sum`, 10),
    column(`${feature}_total_count`, 1_000),
  ]);
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
