import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ended, landfall, landfallUp, tasksOf } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-kill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = join(folder, "data");
const lake = join(folder, "lake");
const ledger = join(folder, "ledger");
const job = new URL("../support/jobs/delta-job.mjs", import.meta.url).pathname;
const settings = join(folder, "settings.json");
const days = ["2025-09-28", "2025-09-29", "2025-09-30"];
const queries = {
  a: ["data.x"],
  b: ["lake.t_a__0"],
  c: ["lake.t_a__0", "data.y"],
  d: ["lake.t_b__0", "lake.t_c__0"],
};
const kills = 8;

test("I2, I3: killed again and again, every task ends as it would have, no attempt runs twice", {
  timeout: 180_000,
}, async () => {
  writeStagingQueries(folder, queries);
  writeFileSync(
    settings,
    JSON.stringify({
      externalClosing: { when: "at-landing" },
      retries: { infrastructure: { max: 20, delayMs: 100 } },
    }),
  );
  const up = () =>
    landfallUp({
      configs: folder,
      data,
      lake,
      settings,
      runner: "process",
      command: `node ${job} ${lake} ${ledger} 300`,
    });
  let running = up();
  await expect.poll(() => running.output(), { timeout: 20_000 }).toContain("watching");
  for (const day of days) {
    for (const table of ["data.x", "data.y"]) {
      expect((await landfall("land", table, day, "--lake", lake)).code).toBe(0);
    }
    for (let kill = 0; kill < kills / days.length; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1_500));
      running.kill("SIGKILL");
      expect(await ended(running)).toBe("SIGKILL");
      running = up();
    }
  }
  await expect
    .poll(
      async () => (await tasksOf(data)).filter(({ state }) => state.kind === "succeeded").length,
      { timeout: 90_000, interval: 1_000 },
    )
    .toBe(days.length * Object.keys(queries).length);
  await expect.poll(() => running.output(), { timeout: 20_000 }).toContain("watching");
  running.kill("SIGTERM");
  expect(await ended(running)).toBe(0);

  const tasks = await tasksOf(data);
  const lines = existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n") : [];
  expect(new Set(lines).size).toBe(lines.length);
  const claimed = new Set(
    tasks.flatMap((task) =>
      task.runs.flatMap(({ run, attempts }) =>
        attempts.map(({ attempt, jobId }) => `${task.id} ${run} ${attempt} ${jobId}`),
      ),
    ),
  );
  expect(lines.filter((line) => !claimed.has(line))).toEqual([]);
  expect(lines.length).toBeGreaterThanOrEqual(tasks.length);
});
