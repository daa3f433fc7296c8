import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import { readJobMetrics } from "../../lake/job-metrics.ts";
import { ended, landfall, landfallUp } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-cli-metrics-"));
const data = join(folder, "data");
const lake = join(folder, "lake");
const settings = join(folder, "settings.json");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("landfall metrics", () => {
  test("sums up what finished while landfall was up", { timeout: 180_000 }, async () => {
    writeStagingQueries(folder, { one: ["data.x"], other: ["data.x"] });
    writeFileSync(
      settings,
      JSON.stringify({
        externalClosing: { when: "at-landing" },
        retries: { job: { max: 1, delayMs: 100 } },
        metrics: { appendMs: 200, to: "log", exportMs: 500 },
      }),
    );
    const up = landfallUp({
      configs: folder,
      data,
      lake,
      settings,
      runner: "process",
      command: 'sh -c "echo java.lang.IllegalStateException: no {ds} >&2; exit 3"',
    });
    await expect.poll(() => up.output(), { timeout: 60_000 }).toContain("watching");
    const store = directoryObjectStore({ root: lake });
    const target = { path: "data/x", partitionColumn: "ds" };
    const partitions = [{ partition: "2025-09-30", rows: 5 }];
    const by = { operation: "WRITE", engineInfo: "test", at: Date.now() };
    await commitDelta(store, target, { partitions, mode: "append", ...by });
    const rows = async () =>
      (await readJobMetrics(store, "landfall/job_metrics", "2025-01-01")).length;
    await expect.poll(rows, { timeout: 60_000, interval: 200 }).toBe(4);
    await expect.poll(() => up.output(), { timeout: 30_000 }).toContain("landfall.landing.lag");
    up.kill("SIGTERM");
    expect(await ended(up)).toBe(0);

    const {
      attempts,
      failures: causes,
      teams,
    } = JSON.parse((await landfall("metrics", "--lake", lake, "--json")).stdout);
    expect(attempts).toMatchObject([{ jobType: "backfill", state: "failed", count: 4 }]);
    expect(causes).toMatchObject([{ errorClass: "IllegalStateException", count: 4, steps: 2 }]);
    expect(causes[0].error).toContain("no 2025-09-30");
    expect(teams).toMatchObject([{ team: "t", count: 4, failed: 4, cost: null }]);
    const [text, later] = await Promise.all([
      landfall("metrics", "--lake", lake),
      landfall("metrics", "--lake", lake, "--since", "2999-01-01"),
    ]);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain("IllegalStateException");
    expect(text.stdout).toContain("not known");
    expect(later.stdout).toBe("no attempt finished since 2999-01-01\n");
  });

  test("a day that is none, or no table, is a usage error", { timeout: 60_000 }, async () => {
    const [noDay, noTable] = await Promise.all([
      landfall("metrics", "--lake", lake, "--since", "yesterday"),
      landfall("metrics", "--lake", join(folder, "another")),
    ]);
    expect([noDay.code, noTable.code]).toEqual([2, 2]);
    expect(noDay.stderr).toContain("write --since 2025-09-30");
    expect(noTable.stderr).toContain("there is no landfall.job_metrics in");
  });
});
