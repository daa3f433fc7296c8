import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { filter, firstValueFrom, take, timeout, toArray } from "rxjs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JobSpec } from "../../ports/job-runner.ts";
import { distinctJobs, isTerminal } from "../contract/job-runner.contract.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { type RehearsalPlace, rehearsalPlace } from "../support/rehearsal-place.ts";

/** R1 to R3: whatever dies, every attempt commits once and its end is told. */

let at: RehearsalPlace;
const children: ChildProcess[] = [];

beforeEach(() => {
  at = rehearsalPlace({ durationMs: 0 });
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await at.close();
});

const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/**
 * A process that submits all jobs, again and again in each of its lives, and does them. Its parent
 * reads on stdout which ones were taken.
 */
const program = `
  import { rehearsalRunner } from ${here("../../adapters/embedded/rehearsal-runner.ts")};
  import { directoryObjectStore } from ${here("../../adapters/embedded/object-store.ts")};
  import { sqliteKeyValueStore } from ${here("../../adapters/embedded/key-value-store.ts")};
  import { systemClock } from ${here("../../adapters/embedded/clock.ts")};
  const { place, jobs } = JSON.parse(process.env.WORK);
  const runner = rehearsalRunner({
    file: place + "/rehearsal.db",
    behaviour: { durationMs: [0, 40], faults: [] },
    lake: directoryObjectStore({ root: place + "/lake" }),
    keyValueStore: sqliteKeyValueStore({ file: place + "/key-values.db" }),
    clock: systemClock(),
  });
  runner.statuses().subscribe();
  for (const job of jobs) process.stdout.write((await runner.submit(job)).kind + " " + job.jobId + "\\n");
`;

function worker(jobs: readonly JobSpec[]): ChildProcess {
  const file = join(at.place, "worker.mts");
  writeFileSync(file, program);
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, WORK: JSON.stringify({ place: at.place, jobs }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

test("killed again and again while it works, every job that was taken commits once", async () => {
  const next = jobSpecs();
  const jobs = Array.from({ length: 60 }, (_, n) =>
    next({
      range: { start: "2025-09-01", end: "2025-09-04" },
      stepDays: 2,
      output: { table: `risk.table_${n % 4}`, column: "ds", effect: "overwrites" },
    }),
  );
  const taken = new Set<string>();
  for (let life = 0; life < 4; life += 1) {
    const child = worker(jobs);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    const enough = new Promise<void>((resolve) => {
      let heard = "";
      child.stdout?.on("data", (bytes: Buffer) => {
        heard += bytes.toString();
        const lines = heard.split("\n");
        heard = lines.pop() ?? "";
        for (const line of lines) taken.add(line.split(" ")[1] ?? "");
        if (taken.size >= 15 * (life + 1)) resolve();
      });
    });
    await enough;
    child.kill("SIGKILL");
    await gone;
  }
  expect(taken.size).toBeGreaterThanOrEqual(60);
  const runner = at.open();
  const ends = await firstValueFrom(
    runner
      .statuses()
      .pipe(filter(isTerminal), distinctJobs(), take(60), toArray(), timeout(20_000)),
  );
  expect(new Set(ends.map(({ jobId }) => jobId))).toEqual(taken);
  expect(ends.every(({ state }) => state === "succeeded")).toBe(true);
  const commits = await Promise.all([0, 1, 2, 3].map((n) => at.commits(`risk/table_${n}`)));
  const made = commits.flat().map(({ jobId, adds }) => `${jobId} ${adds[0]?.day}`);
  expect(made.sort((a, b) => (a < b ? -1 : 1))).toEqual(
    jobs
      .flatMap(({ jobId }) => [`${jobId} 2025-09-01`, `${jobId} 2025-09-03`])
      .sort((a, b) => (a < b ? -1 : 1)),
  );
}, 60_000);

test("a process that only watches takes up what another left undone", async () => {
  const next = jobSpecs();
  const watching = at.open();
  const ended = firstValueFrom(
    watching
      .statuses()
      .pipe(filter(isTerminal), distinctJobs(), take(20), toArray(), timeout(20_000)),
  );
  const child = worker(Array.from({ length: 20 }, () => next()));
  let heard = "";
  await new Promise<void>((resolve) => {
    child.stdout?.on("data", (bytes: Buffer) => {
      heard += bytes.toString();
      if (heard.trim().split("\n").length === 20) resolve();
    });
  });
  child.kill("SIGKILL");
  expect(new Set((await ended).map(({ jobId }) => jobId)).size).toBe(20);
}, 30_000);
