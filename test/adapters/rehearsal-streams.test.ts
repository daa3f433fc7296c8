import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { newestCheckpoint, readManifest } from "../../core/streams/flink-state.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import type { RehearsalFault } from "../../schemas/rehearsal.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { type RehearsalPlace, rehearsalPlace } from "../support/rehearsal-place.ts";
import { servedBy } from "../support/streams.ts";

const config = "risk.clicks";

let at: RehearsalPlace;
let next: ReturnType<typeof jobSpecs>;

beforeEach(() => {
  next = jobSpecs();
});
afterEach(() => at.close());

async function placed(does?: RehearsalFault["does"]): Promise<JobRunner> {
  const faults = does === undefined ? [] : [{ step: `${config}/streaming`, does }];
  at = rehearsalPlace({ durationMs: 20, checkpointMs: 50, faults });
  await at.keyValueStore.write(...servedBy(config));
  return at.open();
}

const stream = (more: Partial<JobSpec> = {}) =>
  next({ config, mode: "streaming", output: null, ...more });

async function manifest() {
  const object = await at.flinkState.read(`manifests/${config}/manifest.txt`);
  return readManifest(object === null ? null : Buffer.from(object.bytes).toString("utf8"));
}

async function checkpoint() {
  return newestCheckpoint(await at.flinkState.list("checkpoints/"));
}

test("its manifest names it, and checkpoints follow, whoever takes it up", async () => {
  const first = await placed();
  const job = stream();
  first.statuses().subscribe();
  await first.submit(job);
  await vi.waitFor(async () => expect((await checkpoint())?.n).toBeGreaterThan(1));
  expect(await manifest()).toMatchObject({ kind: "names", manifest: { parentJobId: job.jobId } });
  await first.close();
  const before = (await checkpoint())?.n ?? 0;
  at.open().statuses().subscribe();
  await vi.waitFor(async () => expect((await checkpoint())?.n).toBeGreaterThan(before + 1));
});

test("taken up late, its first checkpoint is not missed", async () => {
  at = rehearsalPlace({ durationMs: 0, checkpointMs: 3_600_000 });
  await at.keyValueStore.write(...servedBy(config));
  const submitter = at.open();
  await submitter.submit(stream());
  at.open().statuses().subscribe();
  await vi.waitFor(async () => expect((await checkpoint())?.n).toBe(1), { timeout: 5_000 });
});

test("restored from a checkpoint it counts on; from one that is not there it fails", async () => {
  const runner = await placed();
  const path = `checkpoints/${"a".repeat(32)}/chk-41`;
  await at.flinkState.write(`${path}/_metadata`, Buffer.from("state"));
  runner.statuses().subscribe();
  const restored = stream({ savepoint: `gs://acme-flink/${path}` });
  await runner.submit(restored);
  await vi.waitFor(async () => expect((await checkpoint())?.n).toBeGreaterThan(42));
  const lost = stream({ savepoint: "gs://acme-flink/checkpoints/b/chk-7" });
  const ended = endOf(runner.statuses(), lost.jobId);
  await runner.submit(lost);
  expect(await ended).toMatchObject({
    state: "failed",
    error: "rehearsal: there is no complete checkpoint at gs://acme-flink/checkpoints/b/chk-7",
  });
});

test("without serving info it fails, as Chronon's does", async () => {
  const runner = await placed();
  const job = stream({ config: "risk.unserved" });
  const ended = endOf(runner.statuses(), job.jobId);
  await runner.submit(job);
  expect((await ended).error).toContain("no serving info of risk.unserved");
});

test.each([
  ["fail", { state: "failed", blame: "job" }],
  ["vanish", { state: "vanished", blame: "infrastructure" }],
] as const)(
  "told to %s it does at its second checkpoint, with its first complete",
  async (does, end) => {
    const runner = await placed(does);
    const job = stream();
    const ended = endOf(runner.statuses(), job.jobId);
    await runner.submit(job);
    expect(await ended).toMatchObject(end);
    expect((await checkpoint())?.n).toBe(1);
  },
);

test("told to write half it leaves nothing that is whole, and goes on", async () => {
  const runner = await placed("write-half");
  const job = stream();
  runner.statuses().subscribe();
  await runner.submit(job);
  await vi.waitFor(async () => {
    expect((await at.flinkState.list("checkpoints/")).length).toBeGreaterThan(1);
  });
  expect(await manifest()).toEqual({ kind: "broken" });
  expect(await checkpoint()).toBeNull();
  expect(await runner.streams?.running()).toHaveLength(1);
});
