import type { protos } from "@google-cloud/dataproc";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { DataprocSettings } from "../../schemas/dataproc.ts";
import { type Refusal, refused } from "../refusal.ts";
import type { Placement } from "./dataproc-place.ts";
import { libraryJar, onlineArguments, onlineClass, storeOf } from "./driver-args.ts";

type FlinkJob = protos.google.cloud.dataproc.v1.IFlinkJob;

/**
 * The Flink job of a GroupBy's stream, as `DataprocSubmitter.buildFlinkJob` makes it. The main jar
 * and the main class are one or the other in Dataproc's API; Chronon sets the jar last, so the jar
 * it is.
 */
export function flinkJob(
  spec: JobSpec,
  { settings, placement }: { readonly settings: DataprocSettings; readonly placement: Placement },
): FlinkJob | Refusal {
  const state = (spec.env["FLINK_STATE_URI"] || settings.flinkState)?.replace(/\/+$/, "");
  if (state === undefined || state === "") {
    return refused(
      "no FLINK_STATE_URI is known for it: set it in the conf, for its team, or as dataproc.flinkState",
    );
  }
  const { project, instance } = storeOf({ spec, settings });
  if (instance === null) {
    return refused("no GCP_BIGTABLE_INSTANCE_ID is known for it: set it in the conf");
  }
  const jars = `${placement.artifactPrefix}/release/${placement.version}/jars`;
  const kafka = settings.kafkaBootstrap;
  return {
    mainJarFileUri: `${jars}/flink_assembly_deploy.jar`,
    jarFileUris: [
      `${jars}/${libraryJar}`,
      ...(spec.env["ENABLE_PUBSUB"] === "true" ? [`${jars}/connectors_pubsub_deploy.jar`] : []),
      ...settings.additionalJars,
      ...sparkJars.map((name) => `${settings.flinkJars.replace(/\/*$/, "/")}${name}.jar`),
    ],
    ...(spec.savepoint === undefined ? {} : { savepointUri: spec.savepoint }),
    properties: { ...flinkProperties(`${state}/checkpoints`), ...spec.execution.properties },
    args: [
      `--groupby-name=${spec.config}`,
      ...(kafka === undefined ? [] : [`--kafka-bootstrap=${kafka}`]),
      `--online-class=${onlineClass}`,
      `-ZGCP_PROJECT_ID=${project}`,
      `-ZGCP_BIGTABLE_INSTANCE_ID=${instance}`,
      "--validate-rows=10000",
      `--streaming-manifest-path=${state}/manifests`,
      ...onlineArguments(spec),
      "--parent-job-id",
      spec.jobId,
    ],
  };
}

/** What Chronon gives every stream (`flinkEnvProps`); a conf's own properties win. */
function flinkProperties(checkpoints: string): Record<string, string> {
  return {
    "jobmanager.memory.process.size": "4G",
    "taskmanager.memory.process.size": "64G",
    "taskmanager.memory.network.min": "1G",
    "taskmanager.memory.network.max": "2G",
    "taskmanager.numberOfTaskSlots": "4",
    "taskmanager.memory.managed.fraction": "0.5f",
    "taskmanager.memory.jvm-metaspace.size": "512m",
    "taskmanager.memory.task.off-heap.size": "1G",
    "yarn.classpath.include-user-jar": "FIRST",
    "state.savepoints.dir": checkpoints,
    "state.checkpoints.dir": checkpoints,
    "state.backend.rocksdb.localdir": "/tmp/flink-state",
    "state.checkpoint-storage": "filesystem",
    "rest.flamegraph.enabled": "true",
    "metrics.reporters": "prom",
    "metrics.reporter.prom.factory.class":
      "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
    "metrics.reporter.prom.host": "localhost",
    "metrics.reporter.prom.port": "9250-9260",
    "metrics.reporter.statsd.interval": "60 SECONDS",
    "state.backend.type": "rocksdb",
    "state.backend.incremental": "true",
    "state.checkpoints.num-retained": "10",
  };
}

/** Flink evaluates expressions with Spark's catalyst (`DataprocAdditionalJars`). */
const sparkJars = [
  "commons-collections4-4.4",
  "commons-compiler-3.1.9",
  "janino-3.1.9",
  "json4s-ast_2.12-3.7.0-M11",
  "json4s-core_2.12-3.7.0-M11",
  "kryo-shaded-4.0.2",
  "metrics-core-4.2.19",
  "metrics-json-4.2.19",
  "spark-catalyst_2.12-3.5.3",
  "spark-common-utils_2.12-3.5.3",
  "spark-core_2.12-3.5.3",
  "spark-kvstore_2.12-3.5.3",
  "spark-launcher_2.12-3.5.3",
  "spark-hive_2.12-3.5.3",
  "spark-network-common_2.12-3.5.3",
  "spark-network-shuffle_2.12-3.5.3",
  "spark-sql-api_2.12-3.5.3",
  "spark-sql_2.12-3.5.3",
  "spark-unsafe_2.12-3.5.3",
  "xbean-asm9-shaded-4.23",
];
