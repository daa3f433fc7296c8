import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chrononLabel } from "../../adapters/gcp/dataproc-labels.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, StreamJobs } from "../../ports/job-runner.ts";
import { jobController } from "../support/dataproc/jobs.ts";
import { type DataprocPlace, dataprocPlace, jobEnv } from "../support/dataproc-place.ts";

let at: DataprocPlace;

beforeEach(async () => {
  at = await dataprocPlace({
    work: (_, signal) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve({ ok: true }))),
  });
});
afterEach(() => at.close());

const env = { ...jobEnv, FLINK_STATE_URI: "gs://acme-flink" };

function streamsOf({ streams }: JobRunner): StreamJobs {
  if (streams === null) throw new Error("it runs no streams");
  return streams;
}

/** What `zipline run --mode streaming` leaves: Chronon's labels, and the name in its arguments. */
function byHand(jobId: string, config: string): void {
  const { place } = at.server;
  const projectId = place.options.project;
  const job = {
    reference: { projectId, jobId },
    placement: { clusterName: "chronon-risk" },
    labels: { "job-type": "flink", "metadata-name": chrononLabel(config) },
    flinkJob: {
      mainJarFileUri: "gs://acme/flink_assembly_deploy.jar",
      args: [`--groupby-name=${config}`, "--parent-job-id", jobId],
    },
  };
  jobController(place).SubmitJob({ projectId, region: "us-central1", job });
}

test("a stream that somebody deployed by hand is found, by its whole name", async () => {
  const long = `${"a".repeat(70)}.v1`;
  byHand("by-hand", "risk.clicks.v1__0");
  byHand("longer", `x.${long}`);
  byHand("other", `y.${long}`);
  const runner = at.open();
  await vi.waitFor(async () => {
    const found = await streamsOf(runner).running();
    expect(found.toSorted((a, b) => a.jobId.localeCompare(b.jobId))).toEqual([
      { jobId: "by-hand", config: "risk.clicks.v1__0", state: "running" },
      { jobId: "longer", config: `x.${long}`, state: "running" },
      { jobId: "other", config: `y.${long}`, state: "running" },
    ]);
  });
  expect(await runner.cancel("by-hand")).toBe("asked");
});

test("another deployment's streams are not ours to count", async () => {
  const stream = at.job({ config: "risk.clicks", mode: "streaming", env });
  await at.open({}, { deployment: "staging" }).submit(stream);
  expect(await streamsOf(at.open()).running()).toEqual([]);
  expect(await streamsOf(at.open({}, { deployment: "staging" })).running()).toHaveLength(1);
});

test("while Dataproc does not answer nothing is said to run or not to", async () => {
  const streams = streamsOf(at.open());
  at.server.trouble({ method: "ListJobs", kind: "unavailable", times: 1 });
  await expect(streams.running()).rejects.toThrow(RetryableError);
  at.server.trouble({ method: "GetJob", kind: "unavailable", times: 1 });
  await expect(streams.find("some-job")).rejects.toThrow(RetryableError);
  expect(await streams.find("some-job")).toBeNull();
});
