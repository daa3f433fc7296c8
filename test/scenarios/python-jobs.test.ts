import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Task } from "../../schemas/tasks.ts";
import { ended, landfall, landfallUp, tasksOf } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const python = process.env["LANDFALL_TEST_PYTHON"] ?? "python3";
const absent = spawnSync(python, ["-c", "import deltalake"]).status !== 0;
if (absent) {
  console.log(
    `skipped: ${python} has no package deltalake; set LANDFALL_TEST_PYTHON to one that has`,
  );
}

const folder = mkdtempSync(join(tmpdir(), "landfall-python-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const data = join(folder, "data");
const lake = join(folder, "lake");
const settings = join(folder, "settings.json");
const job = new URL("../support/jobs/delta_job.py", import.meta.url).pathname;
const day = "2025-09-30";
const id = (query: string) => `t.${query}__0/backfill@${day}`;

describe.skipIf(absent)("jobs in Python, with the deltalake package", () => {
  test("one writes, one exits 1, one exits 0 writing nothing, one hangs", {
    timeout: 90_000,
  }, async () => {
    writeStagingQueries(folder, {
      writes: ["data.x"],
      fails: ["data.x"],
      silent: ["data.x"],
      hangs: ["data.x"],
      after: ["lake.t_writes__0"],
    });
    writeFileSync(
      settings,
      JSON.stringify({
        externalClosing: { when: "at-landing" },
        retries: { job: { max: 1, delayMs: 100 } },
        submitWithinMs: 1_000,
        timeoutMs: 8_000,
      }),
    );
    const up = landfallUp({
      configs: folder,
      data,
      lake,
      settings,
      runner: "process",
      command: `${python} ${job} ${lake} {config} {table} {ds}`,
    });
    await expect.poll(() => up.output(), { timeout: 20_000 }).toContain("watching");
    expect((await landfall("land", "data.x", day, "--lake", lake)).code).toBe(0);
    const states = async () =>
      Object.fromEntries((await tasksOf(data)).map((task) => [task.id, task.state.kind]));
    await expect.poll(states, { timeout: 60_000, interval: 500 }).toEqual({
      [id("writes")]: "succeeded",
      [id("fails")]: "failed",
      [id("silent")]: "failed",
      [id("hangs")]: "failed",
      [id("after")]: "failed",
    });
    up.kill("SIGTERM");
    expect(await ended(up)).toBe(0);

    const tasks = new Map((await tasksOf(data)).map((task): [string, Task] => [task.id, task]));
    const why = (query: string) => tasks.get(id(query))?.why;
    expect(why("fails")).toContain("exit code 1: no space left in the warehouse");
    expect(why("silent")).toContain("exit 0, nothing written");
    expect(why("hangs")).toContain("timed out");
    expect(tasks.get(id("fails"))?.runs[0]?.attempts).toHaveLength(2);
    expect(tasks.get(id("writes"))?.runs[0]?.attempts).toHaveLength(1);
    const failed = await landfall("task", id("fails"), "--data", data);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain("output.log");
  });
});
