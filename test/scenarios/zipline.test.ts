import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { ended, landfall, landfallUp, program, tasksOf } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-zipline-"));
afterAll(() => {
  up?.kill("SIGKILL");
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
let up: ReturnType<typeof landfallUp> | undefined;
const lake = join(folder, "lake");
const data = join(folder, "data");
const zipline = join(folder, "zipline");
const day = "2025-09-30";

/**
 * Submits nothing, but says so and writes what the Dataproc job would have written. What a job is
 * told in `LANDFALL_` variables is no setting of a Landfall that it starts.
 */
const script = `#!/bin/sh
echo "$PWD $*" >> ${folder}/commands
echo "Dataproc submitter job id: dataproc-job-7"
exec env -i PATH="$PATH" "${process.execPath}" "${program}" \\
  land "$LANDFALL_TABLE" "$LANDFALL_DS" --lake "${lake}"
`;

test("landfall up runs a chain through the CLI, and each task shows its Dataproc job", {
  timeout: 90_000,
}, async () => {
  writeStagingQueries(folder, { first: ["data.x"], second: ["lake.t_first__0"] });
  writeFileSync(zipline, script);
  chmodSync(zipline, 0o755);
  const settings = join(folder, "settings.json");
  writeFileSync(
    settings,
    JSON.stringify({
      externalClosing: { when: "at-landing" },
      zipline: { program: zipline, version: "1.28.0", artifactPrefix: "gs://acme-artifacts" },
    }),
  );
  vi.stubEnv("GCP_REGION", "us-central1");
  vi.stubEnv("GCP_PROJECT_ID", "acme");
  up = landfallUp({ configs: folder, data, lake, settings, runner: "zipline" });
  await expect.poll(() => up?.output(), { timeout: 20_000 }).toContain("through the zipline CLI");
  expect((await landfall("land", "data.x", day, "--lake", lake)).code).toBe(0);
  const states = async () =>
    Object.fromEntries((await tasksOf(data)).map((task) => [task.id, task.state.kind]));
  await expect.poll(states, { timeout: 60_000, interval: 500 }).toEqual({
    [`t.first__0/backfill@${day}`]: "succeeded",
    [`t.second__0/backfill@${day}`]: "succeeded",
  });
  up.kill("SIGTERM");
  expect(await ended(up)).toBe(0);
  const task = await landfall("task", `t.second__0/backfill@${day}`, "--data", data);
  expect(task.stdout).toMatch(
    /log {5}\S+output\.log https:\/\/console\.cloud\.google\.com\/dataproc\/jobs\/dataproc-job-7\/monitoring/,
  );
  const commands = readFileSync(join(folder, "commands"), "utf8").trim().split("\n");
  expect(commands.map((line) => line.replace(/^\S+ /, ""))).toEqual(
    ["first", "second"].map(
      (name) =>
        `run compiled/staging_queries/t/${name}__0 --mode backfill --start-ds ${day} --end-ds ${day} --artifact-prefix gs://acme-artifacts --version 1.28.0`,
    ),
  );
});
