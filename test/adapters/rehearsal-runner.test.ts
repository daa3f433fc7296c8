import { afterEach, describe, expect, test } from "vitest";
import { commitDelta } from "../../lake/delta-writer.ts";
import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import { RehearsalBehaviour, RehearsalFault } from "../../schemas/rehearsal.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { type RehearsalPlace, rehearsalPlace } from "../support/rehearsal-place.ts";

/** What Chronon's driver does to a table, silences included, and that a rehearsal does the same. */

let at: RehearsalPlace;
const next = jobSpecs();
const path = "risk/merchants";
const source = { table: "data.events", range: { start: "2025-09-01", end: "2025-09-01" } };

afterEach(() => at.close());

function place(behaviour: Partial<RehearsalBehaviour> = {}): void {
  at = rehearsalPlace(behaviour);
}

function range(start: string, end = start) {
  return { start: `2025-09-${start}`, end: `2025-09-${end}` };
}

function job(effect: "overwrites" | "fills" | "rewrites-table", more: Partial<JobSpec> = {}) {
  return next({
    range: range("01"),
    output: { table: "risk.merchants", column: "ds", effect },
    ...more,
  });
}

async function run(spec: JobSpec): Promise<JobStatus> {
  const runner = at.open();
  expect((await runner.submit(spec)).kind).toBe("accepted");
  const end = await endOf(runner.statuses(), spec.jobId);
  await runner.forget([spec.jobId]);
  await runner.close();
  return end;
}

/** Days of each commit, oldest first. */
async function written(): Promise<(string | null)[][]> {
  return (await at.commits(path)).map(({ adds }) => adds.map(({ day }) => day));
}

const day = (n: string) => `2025-09-${n}`;

describe("modes that overwrite", () => {
  test("write their range again, taking the old files away", async () => {
    place();
    const spec = job("overwrites", { range: range("01", "02") });
    await run(spec);
    const again = { ...spec, jobId: "another", attempt: 2 };
    expect((await run(again)).state).toBe("succeeded");
    const commits = await at.commits(path);
    expect(commits.map(({ jobId }) => jobId)).toEqual([spec.jobId, "another"]);
    expect(commits.map(({ removes }) => removes)).toEqual([0, 2]);
    expect(commits[1]?.adds.map(({ day: each }) => each)).toEqual([day("01"), day("02")]);
    expect(commits[0]?.adds).toEqual(commits[1]?.adds);
  });

  test("say in every commit that they are a rehearsal, and whose", async () => {
    place();
    const spec = job("overwrites");
    await run(spec);
    const [commit] = await at.commits(path);
    expect(commit?.info).toMatchObject({
      engineInfo: "landfall rehearsal",
      operation: "WRITE",
      rehearsal: { jobId: spec.jobId, task: spec.task, run: 1, attempt: 1 },
    });
    expect(commit?.adds[0]?.rows).toBeGreaterThanOrEqual(1_000);
  });
});

describe("modes that fill", () => {
  test("skip what is there and write the rest", async () => {
    place();
    await at.land(path, day("02"));
    await run(job("fills", { range: range("01", "04"), stepDays: 10 }));
    expect((await written()).slice(1)).toEqual([[day("01")], [day("03"), day("04")]]);
  });

  test("exit 0 having written nothing when all is there", async () => {
    place();
    await at.land(path, day("01"), day("02"));
    const end = await run(job("fills", { range: range("01", "02") }));
    expect(end).toMatchObject({ state: "succeeded", error: null });
    expect(await written()).toHaveLength(1);
  });
});

describe("inputs that are not there", () => {
  const waiting = { inputs: [source] };

  test.each(["fills", "overwrites"] as const)("%s: nothing is written, exit 0", async (effect) => {
    place();
    expect((await run(job(effect, waiting))).state).toBe("succeeded");
    expect(await written()).toEqual([]);
  });

  test("only the days whose inputs are there are written", async () => {
    place();
    await at.land("data/events", day("01"), day("03"));
    const inputs = [{ ...source, range: range("01", "03") }];
    await run(job("fills", { range: range("01", "03"), inputs }));
    expect(await written()).toEqual([[day("01")], [day("03")]]);
  });

  test("an input is read as far behind the output as its range says", async () => {
    place();
    await at.land("data/events", day("01"));
    const inputs = [{ ...source, range: range("01", "02") }];
    await run(job("fills", { range: range("03", "04"), inputs }));
    expect(await written()).toEqual([[day("03")]]);
  });

  test("an unbounded input needs any partition", async () => {
    place();
    const spec = job("fills", { inputs: [{ table: "data.events", range: null }] });
    await run(spec);
    expect(await written()).toEqual([]);
    await at.land("data/events", "2020-01-01");
    await run({ ...spec, jobId: "later" });
    expect(await written()).toEqual([[day("01")]]);
  });

  test("folders count where there is no Delta log, sub-partitions where they are named", async () => {
    place();
    await at.lake.write("data.db/events/ds=20250901/_SUCCESS", new Uint8Array());
    const hours = { table: "data.hours/hr=00:00", range: source.range };
    const spec = job("fills", { inputs: [source, hours] });
    const landHour = (hr: string) =>
      commitDelta(
        at.lake,
        { path: "data/hours", partitionColumn: "ds", fixed: { hr } },
        {
          partitions: [{ partition: day("01"), rows: 1 }],
          mode: "append",
          operation: "WRITE",
          engineInfo: "somebody else",
          at: 1,
        },
      );
    await landHour("01:00");
    await run(spec);
    expect(await written()).toEqual([]);
    await landHour("00:00");
    await run({ ...spec, jobId: "later" });
    expect(await written()).toEqual([[day("01")]]);
  });

  test("an upload fails only while its whole table is empty", async () => {
    place();
    const upload = { mode: "upload", inputs: [source] };
    const first = await run(job("overwrites", upload));
    expect(first).toMatchObject({ state: "failed", blame: "job" });
    expect(first.error).toBe("rehearsal: GroupBy upload resulted in zero rows");
    await at.land(path, "2025-08-31");
    expect((await run(job("overwrites", upload))).state).toBe("succeeded");
    expect(await written()).toEqual([["2025-08-31"]]);
  });
});

describe("ranges", () => {
  const spec = () =>
    job("overwrites", {
      config: "risk.merchants",
      range: range("01", "06"),
      stepDays: 2,
      task: "risk.merchants/backfill@2025-09-01..2025-09-06",
    });
  const fault = (more: Omit<RehearsalFault, "step">) => ({
    faults: [RehearsalFault.parse({ step: "risk.merchants/backfill", ...more })],
  });

  test("go in steps, one commit each", async () => {
    place();
    await run(spec());
    expect(await written()).toEqual([
      [day("01"), day("02")],
      [day("03"), day("04")],
      [day("05"), day("06")],
    ]);
  });

  test("a failing step fails the job after all other steps were done", async () => {
    place(fault({ partition: day("03"), does: "fail", message: "no such column: amount" }));
    const end = await run(spec());
    expect(end).toMatchObject({ state: "failed", blame: "job" });
    expect(end.error).toBe("1 of 3 steps failed; the first: rehearsal: no such column: amount");
    expect(await written()).toEqual([
      [day("01"), day("02")],
      [day("05"), day("06")],
    ]);
  });

  test("write-half keeps half of its step", async () => {
    place(fault({ partition: day("04"), does: "write-half" }));
    expect((await run(spec())).state).toBe("failed");
    expect(await written()).toEqual([[day("01"), day("02")], [day("03")], [day("05"), day("06")]]);
  });

  test("write-half of one day has half its rows", async () => {
    place(fault({ attempt: 1, does: "write-half" }));
    const one = { config: "risk.merchants", range: range("01") };
    await run(job("overwrites", one));
    await run(job("overwrites", { ...one, attempt: 2 }));
    const [half, whole] = (await at.commits(path)).map(({ adds }) => adds[0]?.rows ?? 0);
    expect(half).toBe(Math.ceil((whole ?? 0) / 2));
  });

  test("write-nothing exits 0", async () => {
    place(fault({ partition: day("03"), does: "write-nothing" }));
    expect((await run(spec())).state).toBe("succeeded");
    expect((await written()).flat()).not.toContain(day("03"));
  });

  test("faults hold for their run and attempt only", async () => {
    place(fault({ run: 1, attempt: 1, does: "fail" }));
    const ends: string[] = [];
    for (const [runNumber, attempt] of [
      [1, 1],
      [1, 2],
      [2, 1],
    ] as const) {
      ends.push((await run({ ...spec(), run: runNumber, attempt })).state);
    }
    expect(ends).toEqual(["failed", "succeeded", "succeeded"]);
  });

  test("a vanished job is the ground's fault, and wrote nothing", async () => {
    place(fault({ does: "vanish" }));
    expect(await run(spec())).toMatchObject({ state: "vanished", blame: "infrastructure" });
    expect(await written()).toEqual([]);
  });
});

test("a job that writes no table and loads nothing just ends well", async () => {
  place();
  expect((await run(next({ mode: "metadata-upload", output: null }))).state).toBe("succeeded");
});

test("a table that others partitioned otherwise fails the job in one line", async () => {
  place();
  await commitDelta(
    at.lake,
    { path, partitionColumn: "country" },
    { partitions: [], mode: "append", operation: "WRITE", engineInfo: "somebody else", at: 1 },
  );
  const end = await run(job("overwrites"));
  expect(end).toMatchObject({ state: "failed", blame: "job" });
  expect(end.error).toMatch(/^rehearsal: risk\/merchants is partitioned by country[^\n]*$/);
});

test("durations lie between their bounds, the same for the same job", async () => {
  place({ durationMs: [40, 80] });
  const spec = job("overwrites");
  const end = await run(spec);
  const tookMs = (end.endedAt ?? 0) - (end.startedAt ?? 0);
  expect(tookMs).toBeGreaterThanOrEqual(40);
  expect((await run({ ...spec, jobId: "another" })).state).toBe("succeeded");
});

test("R2: a job is done where jobs are watched, not where it was submitted", async () => {
  const fails = RehearsalFault.parse({ step: "risk.merchants/backfill", does: "fail" });
  place({ faults: [fails] });
  const submits = at.open();
  const watches = at.open({ behaviour: RehearsalBehaviour.parse({ durationMs: 0 }) });
  const spec = job("overwrites", {
    config: "risk.merchants",
    task: "risk.merchants/backfill@2025-09-01",
  });
  const end = endOf(watches.statuses(), spec.jobId);
  expect((await submits.submit(spec)).kind).toBe("accepted");
  expect((await end).state).toBe("succeeded");
  expect((await at.commits(path)).map(({ jobId }) => jobId)).toEqual([spec.jobId]);
});
