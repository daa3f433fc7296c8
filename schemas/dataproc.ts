import { z } from "zod";

const Machines = z.object({
  machineType: z.string().default("n1-standard-4"),
  count: z.number().int().min(0),
  bootDiskGb: z.number().int().min(30).default(100),
  bootDiskType: z.enum(["pd-standard", "pd-balanced", "pd-ssd"]).default("pd-standard"),
});

/** A cluster that Landfall makes when a job needs it, and that deletes itself when idle. */
export const EphemeralCluster = z.object({
  on: z.literal("ephemeral"),
  /** Chronon's jars are built for Spark 3.5, which the images 2.2 hold. */
  imageVersion: z.string().default("2.2-debian12"),
  master: Machines.prefault({ count: 1, bootDiskType: "pd-ssd" }),
  workers: Machines.prefault({ count: 3 }),
  /** Preemptible (spot) workers beside the others, for modes that are not critical. */
  secondaryWorkers: z.number().int().min(0).default(0),
  /** `projects/P/regions/R/autoscalingPolicies/NAME`; without one the size stays as it is. */
  autoscalingPolicy: z.string().exactOptional(),
  /** Dataproc takes 5 minutes to 14 days. */
  idleDeleteSeconds: z
    .number()
    .int()
    .min(300)
    .max(14 * 86_400)
    .default(900),
  subnetwork: z.string().exactOptional(),
  serviceAccount: z.string().exactOptional(),
  /** Cluster properties, for example `spark:spark.sql.adaptive.enabled`. */
  properties: z.record(z.string(), z.string()).prefault({
    "spark:spark.sql.adaptive.enabled": "true",
    "spark:spark.sql.adaptive.coalescePartitions.enabled": "true",
  }),
});
export type EphemeralCluster = Readonly<z.infer<typeof EphemeralCluster>>;

/** Dataproc Serverless: each job brings its own machines. */
export const Serverless = z.object({
  on: z.literal("serverless"),
  runtimeVersion: z.string().default("2.3"),
  subnetwork: z.string().exactOptional(),
  serviceAccount: z.string().exactOptional(),
  /** A bucket's name, not its `gs://` address. */
  stagingBucket: z.string().exactOptional(),
});
export type Serverless = Readonly<z.infer<typeof Serverless>>;

/** What a team or a profile may say of Chronon itself. */
const Chronon = {
  /** Chronon's release, as `VERSION` in the environment of confs. */
  version: z.string().exactOptional(),
  /** Where releases lie, as `ARTIFACT_PREFIX` in the environment of confs: `gs://...`. */
  artifactPrefix: z.string().exactOptional(),
};

/** Where jobs run that neither their conf nor their team has a place for. */
export const DataprocProfile = z.object({
  ...Chronon,
  place: z.discriminatedUnion("on", [
    z.object({ on: z.literal("cluster"), name: z.string() }),
    Serverless,
    EphemeralCluster,
  ]),
});
export type DataprocProfile = Readonly<z.infer<typeof DataprocProfile>>;

/** Which option gives a backfill its first day; zipline renamed it on 2026-01-13 (#1359). */
export const DriverDialect = z.enum(["start-partition", "start-partition-override"]);
export type DriverDialect = z.infer<typeof DriverDialect>;

/** How jobs run on Dataproc, and how they are watched. */
export const DataprocSettings = z.object({
  /** Project that jobs are submitted to and billed to. */
  project: z.string().min(1),
  /** Regions jobs may run in, each of them watched; the first is for confs without `GCP_REGION`. */
  regions: z.array(z.string().min(1)).min(1).default(["us-central1"]),
  /** Where the configs store keeps its objects, as jobs reach it: `gs://bucket/prefix`. */
  configs: z.string().startsWith("gs://"),
  profiles: z.record(z.string(), DataprocProfile).prefault({
    incremental: { place: { on: "ephemeral" } },
    backfill: {
      place: {
        on: "ephemeral",
        workers: {
          count: 10,
          machineType: "n1-highmem-8",
          bootDiskType: "pd-ssd",
          bootDiskGb: 200,
        },
      },
    },
  }),
  /** Profile of a mode's jobs; `incremental` for modes that are not here. */
  profileOfMode: z.record(z.string(), z.string()).prefault({ backfill: "backfill" }),
  teams: z
    .record(
      z.string(),
      z.object({
        ...Chronon,
        /** A cluster that is there already. */
        cluster: z.string().exactOptional(),
        profile: z.string().exactOptional(),
      }),
    )
    .prefault({}),
  /** Modes whose work may lose machines: it gets the secondary workers of its profile. */
  nonCriticalModes: z.array(z.string()).default(["backfill"]),
  /** Dialects of releases, by `VERSION`. */
  dialects: z.record(z.string(), DriverDialect).prefault({}),
  /** Dialect of releases that are not in `dialects`. */
  dialect: DriverDialect.default("start-partition"),
  /** What loads the online store; zipline's own default is BigQuery. */
  uploader: z.enum(["bigquery", "spark"]).default("bigquery"),
  /** Jars of an upload-to-kv with the Spark uploader. */
  sparkUploaderJars: z
    .array(z.string())
    .default(["gs://spark-lib/bigtable/spark-bigtable_2.12-0.1.0.jar"]),
  /** Jars that every job gets. */
  additionalJars: z.array(z.string()).default([]),
  /** Bigtable instance of confs without `GCP_BIGTABLE_INSTANCE_ID`. */
  bigtableInstance: z.string().exactOptional(),
  /** `host:port` of Kafka for streams; those of Pub/Sub need none. */
  kafkaBootstrap: z.string().exactOptional(),
  /** Where streams keep their state, for confs without `FLINK_STATE_URI`: `gs://bucket/prefix`. */
  flinkState: z.string().startsWith("gs://").exactOptional(),
  /** Where the Spark jars lie that Flink jobs evaluate expressions with. */
  flinkJars: z.string().default("gs://zipline-spark-libs/spark-3.5.3/libs/"),
  /** Submissions a minute to a region: of Dataproc's 400, a quarter is for cancels and recovery. */
  submissionsPerMinute: z.number().positive().default(300),
  /** Submissions a minute to one cluster, whose agent takes one a second. */
  clusterSubmissionsPerMinute: z.number().positive().default(60),
  /** Distance of looks at a region while jobs of ours are active there. */
  activeLookMs: z.number().int().min(10).default(5_000),
  /** Distance of looks at a region without active jobs. */
  idleLookMs: z.number().int().min(10).default(60_000),
  /** A submitted job in no list for so long was deleted by somebody. */
  missingForMs: z.number().int().min(0).default(30_000),
  /** Days of submission whose ended jobs are told again after a restart, unless forgotten. */
  recallDays: z.number().int().min(1).default(3),
  /** How long one call to Dataproc may take. */
  callTimeoutMs: z.number().int().min(100).default(20_000),
  /** Distance of looks at a cluster that is being made. */
  clusterLookMs: z.number().int().min(10).default(5_000),
});
export type DataprocSettings = Readonly<z.infer<typeof DataprocSettings>>;
