import { readLabels } from "../../adapters/gcp/dataproc-labels.ts";
import type { Work } from "../support/dataproc/place.ts";
import { dataprocPlace, jobEnv } from "../support/dataproc-place.ts";
import { type Conduct, describeJobRunner, type RunnerPlace } from "./job-runner.contract.ts";
import { describeStreamJobs } from "./stream-jobs.contract.ts";

/** What a job does is in the name of its config. */
const work: Work = async ({ labels }, signal) => {
  const task = readLabels(labels)?.task ?? "";
  switch (task.slice(0, task.indexOf("/"))) {
    case "fails":
      return { ok: false, details: "Google Cloud Dataproc Agent reports job failure." };
    case "takes-a-while":
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return { ok: true };
    case "hangs":
    case "risk.clicks":
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { ok: true };
    default:
      return { ok: true };
  }
};

async function onClusters(): Promise<RunnerPlace> {
  const at = await dataprocPlace({ work });
  return {
    open: () => at.open(),
    job: (conduct: Conduct, more = {}) =>
      at.job({
        config: conduct,
        ...(conduct === "cannot-run" ? { execution: { properties: {}, cluster: "nowhere" } } : {}),
        ...more,
      }),
    starts: async (jobId) => at.server.starts(jobId),
    runs: async (jobId) => at.server.runs(jobId),
    dispose: () => at.close(),
  };
}

describeJobRunner("dataproc, on a cluster", onClusters);

const profiles = { incremental: { place: { on: "serverless" } } };
const settings = { profiles, profileOfMode: {} };

async function serverless(): Promise<RunnerPlace> {
  const at = await dataprocPlace({ work });
  return {
    open: () => at.open(settings),
    job: (conduct: Conduct, more = {}) =>
      at.job({
        config: conduct,
        execution: { properties: {} },
        ...(conduct === "cannot-run" ? { env: {} } : {}),
        ...more,
      }),
    starts: async (jobId) => at.server.starts(jobId),
    runs: async (jobId) => at.server.runs(jobId),
    dispose: () => at.close(),
  };
}

describeJobRunner("dataproc serverless", serverless);

describeStreamJobs("dataproc", async () => {
  const at = await dataprocPlace({ work });
  const env = { ...jobEnv, FLINK_STATE_URI: "gs://acme-flink" };
  return {
    open: () => at.open(),
    stream: (more = {}) => at.job({ config: "risk.clicks", mode: "streaming", env, ...more }),
    batch: () => at.job({ config: "hangs" }),
    dispose: () => at.close(),
  };
});
