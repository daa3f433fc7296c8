import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { readJobMetrics } from "../../lake/job-metrics.ts";
import { ended, landfall, landfallUp } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-cli-metrics-"));
const data = join(folder, "data");
const lake = join(folder, "lake");
const settings = join(folder, "settings.json");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const summed = async (...more: readonly string[]) => {
  const { code, stdout, stderr } = await landfall("metrics", "--lake", lake, "--json", ...more);
  return code === 0 ? JSON.parse(stdout) : stderr;
};

describe("landfall metrics", () => {
  test("sums up what finished while landfall was up", { timeout: 90_000 }, async () => {
    writeStagingQueries(folder, { one: ["data.x"], other: ["data.x"] });
    writeFileSync(
      settings,
      JSON.stringify({
        externalClosing: { when: "at-landing" },
        retries: { job: { max: 1, delayMs: 100 } },
        metrics: { appendMs: 200, to: "log", exportMs: 500 },
      }),
    );
    expect(await summed()).toContain("there is no landfall.job_metrics in");
    const up = landfallUp({
      configs: folder,
      data,
      lake,
      settings,
      runner: "process",
      command: 'sh -c "echo java.lang.IllegalStateException: no {ds} >&2; exit 3"',
    });
    await expect.poll(() => up.output(), { timeout: 20_000 }).toContain("watching");
    expect((await landfall("land", "data.x", "2025-09-30", "--lake", lake)).code).toBe(0);
    const store = directoryObjectStore({ root: lake });
    const rows = async () =>
      (await readJobMetrics(store, "landfall/job_metrics", "2025-01-01")).length;
    await expect.poll(rows, { timeout: 40_000, interval: 200 }).toBe(4);
    await expect.poll(() => up.output(), { timeout: 10_000 }).toContain("landfall.landing.lag");
    up.kill("SIGTERM");
    expect(await ended(up)).toBe(0);

    const { attempts, failures: causes, teams } = await summed();
    expect(attempts).toMatchObject([{ jobType: "backfill", state: "failed", count: 4 }]);
    expect(causes).toMatchObject([{ errorClass: "IllegalStateException", count: 4, steps: 2 }]);
    expect(causes[0].error).toContain("no 2025-09-30");
    expect(teams).toMatchObject([{ team: "t", count: 4, failed: 4, cost: null }]);
    const { code, stdout } = await landfall("metrics", "--lake", lake);
    expect(code).toBe(0);
    expect(stdout).toContain("IllegalStateException");
    expect(stdout).toContain("not known");
    const later = await landfall("metrics", "--lake", lake, "--since", "2999-01-01");
    expect(later.stdout).toBe("no attempt finished since 2999-01-01\n");
  });

  test("a day that is none is a usage error", async () => {
    const { code, stderr } = await landfall("metrics", "--lake", lake, "--since", "yesterday");
    expect(code).toBe(2);
    expect(stderr).toContain("write --since 2025-09-30");
  });
});
