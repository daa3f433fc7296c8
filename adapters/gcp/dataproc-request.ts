import type { protos } from "@google-cloud/dataproc";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { Serverless } from "../../schemas/dataproc.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { type Refusal, refused } from "../refusal.ts";
import { jobLabels } from "./dataproc-labels.ts";
import { type Placement, type Placing, placementOf } from "./dataproc-place.ts";
import { driverArguments, libraryJar } from "./driver-args.ts";
import { flinkJob } from "./flink-request.ts";

type SparkJob = protos.google.cloud.dataproc.v1.ISparkJob;

/** What starts an attempt on Dataproc. */
export type DataprocRequest =
  | {
      readonly kind: "job";
      readonly request: protos.google.cloud.dataproc.v1.ISubmitJobRequest;
      readonly placement: Placement;
      readonly cluster: Extract<Placement["on"], { kind: "cluster" }>;
    }
  | {
      readonly kind: "batch";
      readonly request: protos.google.cloud.dataproc.v1.ICreateBatchRequest;
      readonly placement: Placement;
    };

/**
 * The request that starts an attempt, or why there is none. The same attempt has the same id, so
 * that Dataproc itself starts it once; only its labels of when it was submitted may differ.
 */
export function dataprocRequest(
  placing: Placing,
  spec: JobSpec,
  now: EpochMs,
): DataprocRequest | Refusal {
  const placement = placementOf(placing, spec);
  if ("refused" in placement) return placement;
  const streaming = spec.mode === "streaming";
  const labels = jobLabels(spec, {
    deployment: placing.deployment,
    jobType: streaming ? "flink" : "spark",
    version: placement.version,
    now,
  });
  if (labels === null) {
    return refused("the name of its config is too long to be written in the labels of a job");
  }
  const work = streaming
    ? wrapped("flinkJob", flinkJob(spec, { settings: placing.settings, placement }))
    : wrapped("sparkJob", sparkJob(placing, spec, placement));
  if ("refused" in work) return work;
  const { project } = placing.settings;
  const { on, region } = placement;
  if (on.kind === "serverless") {
    if (!("sparkJob" in work)) return refused("streams do not run on Dataproc Serverless");
    return {
      kind: "batch",
      placement,
      request: {
        parent: `projects/${project}/locations/${region}`,
        batchId: spec.jobId,
        batch: { labels, ...batchOf(spec, on.serverless, work.sparkJob) },
      },
    };
  }
  return {
    kind: "job",
    placement,
    cluster: on,
    request: {
      projectId: project,
      region,
      job: {
        reference: { projectId: project, jobId: spec.jobId },
        placement: { clusterName: on.name },
        labels,
        ...work,
      },
    },
  };
}

function wrapped<const K extends string, T extends object>(
  key: K,
  work: T | Refusal,
): Record<K, T> | Refusal {
  return "refused" in work ? work : ({ [key]: work } as Record<K, T>);
}

function sparkJob(
  { settings }: Placing,
  spec: JobSpec,
  { version, artifactPrefix }: Placement,
): SparkJob | Refusal {
  const driver = driverArguments({ spec, settings, version });
  if ("refused" in driver) return driver;
  return {
    mainClass: "ai.chronon.spark.Driver",
    jarFileUris: [
      `${artifactPrefix}/release/${version}/jars/${libraryJar}`,
      ...driver.jars,
      ...settings.additionalJars,
    ],
    fileUris: [`${settings.configs.replace(/\/+$/, "")}/${spec.conf}`],
    args: [...driver.args],
    properties: { ...spec.execution.properties },
  };
}

/** Dataproc takes times to live of 10 minutes to 14 days. */
const ttlSeconds = { least: 600, most: 14 * 86_400 };

/** A batch ends itself when its time is up, even if nobody watches it. */
function batchOf(
  spec: JobSpec,
  serverless: Serverless,
  { properties, mainClass, jarFileUris, fileUris, args }: SparkJob,
): protos.google.cloud.dataproc.v1.IBatch {
  const { subnetwork, serviceAccount, stagingBucket } = serverless;
  const seconds = Math.ceil(spec.timeoutMs / 1_000);
  const executionConfig = {
    ttl: { seconds: Math.min(ttlSeconds.most, Math.max(ttlSeconds.least, seconds)) },
    ...(subnetwork === undefined ? {} : { subnetworkUri: subnetwork }),
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    ...(stagingBucket === undefined ? {} : { stagingBucket }),
  };
  return {
    runtimeConfig: { version: serverless.runtimeVersion, properties: properties ?? {} },
    environmentConfig: { executionConfig },
    sparkBatch: {
      mainClass: mainClass ?? null,
      jarFileUris: jarFileUris ?? [],
      fileUris: fileUris ?? [],
      args: args ?? [],
    },
  };
}
