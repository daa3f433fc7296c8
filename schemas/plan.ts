import { z } from "zod";
import { Partition, StepId, TableName } from "./ids.ts";

/** What kind of compiled conf a file holds. */
export const ConfType = z.enum([
  "group_bys",
  "joins",
  "staging_queries",
  "models",
  "model_transforms",
]);
export type ConfType = z.infer<typeof ConfType>;

/**
 * Which family of Chronon wrote the conf. `airbnb`: schedule and dependencies in `metaData`;
 * `zipline`: `metaData.executionInfo`.
 */
export const Flavour = z.enum(["airbnb", "zipline"]);
export type Flavour = z.infer<typeof Flavour>;

/** ISO-8601 duration, for example `P7D`, `PT36H`, `P0D`. */
export const IsoDuration = z.string().regex(/^P(?:\d+D|T\d+[HM])$/);
export type IsoDuration = z.infer<typeof IsoDuration>;

/**
 * One table a step reads. For output partitions [s, e] it reads
 * [max(s - startOffset, startCutOff), min(e - endOffset, endCutOff)].
 */
export const PlanInput = z.object({
  table: TableName,
  /** Null: everything there is, from the table's first partition on. */
  startOffset: IsoDuration.nullable(),
  endOffset: IsoDuration,
  startCutOff: Partition.exactOptional(),
  endCutOff: Partition.exactOptional(),
  partitionColumn: z.string(),
  /** The config that writes the table, when one of the plan does. */
  producedBy: z.string().exactOptional(),
  /** True: only the latest partition is read, whatever the range (Chronon's `isCumulative`). */
  cumulative: z.literal(true).exactOptional(),
});
export type PlanInput = Readonly<z.infer<typeof PlanInput>>;

/**
 * What a job does to output that is there already. `overwrites`: writes its range again;
 * `fills`: skips partitions that exist and exits 0; `rewrites-table`: replaces the whole,
 * unpartitioned table; `none`: writes no table of the lake.
 */
export const OutputEffect = z.enum(["overwrites", "fills", "rewrites-table", "none"]);
export type OutputEffect = z.infer<typeof OutputEffect>;

/**
 * How a task is known to have done its work. `metadata-row`: by the row of its conf in the online
 * store; `published`: by a document that Landfall wrote.
 */
export const Verification = z.enum([
  "partitions",
  "table",
  "serving-info",
  "metadata-row",
  "published",
]);
export type Verification = z.infer<typeof Verification>;

/** How a conf wants its job run by a cluster, beside its environment. Taken as it is. */
export const Execution = z.object({
  /** Spark's (or Flink's): `executionInfo.conf.modeConfigs[mode]`, else `.common`; never both. */
  properties: z.record(z.string(), z.string()),
  /** `SPARK_CLUSTER_NAME`, or its older name, as the conf itself, not its team, sets it. */
  cluster: z.string().exactOptional(),
  /** `dataproc.config` of `executionInfo.clusterConf`: a Dataproc ClusterConfig as JSON. */
  clusterConfig: z.string().exactOptional(),
  /** Whom its team's jobs run for. */
  user: z.string().exactOptional(),
  /** Bucket of its team that Dataproc keeps files of the job in, by its name. */
  stagingBucket: z.string().exactOptional(),
});
export type Execution = Readonly<z.infer<typeof Execution>>;

export const PlanStep = z.object({
  id: StepId,
  config: z.string(),
  /** Named as the zipline CLI names it: `upload`, `upload-to-kv`, `backfill`. */
  mode: z.string(),
  confType: ConfType,
  flavour: Flavour,
  team: z.string(),
  pipeline: z.string(),
  /** `@daily`: as soon as inputs are complete. A cron is the earliest launch time. Null: on command. */
  schedule: z.string().nullable(),
  /** No task of an earlier partition is born by itself; on command it is. */
  from: Partition.exactOptional(),
  inputs: z.array(PlanInput),
  /** Steps of the same partition that must have succeeded first. */
  after: z.array(StepId),
  output: TableName.exactOptional(),
  /** Column of the output's partition. */
  outputColumn: z.string(),
  effect: OutputEffect,
  verification: Verification,
  /** `latest-only`: of several closed days only the newest is run. */
  strategy: z.enum(["every", "latest-only"]),
  /** Partitions one job may do at once. */
  stepDays: z.number().int().min(1),
  /** Hash of the conf without metadata and topics; a change means other rows. */
  semanticHash: z.string(),
  /** The compiled file: its path in the release and the hash of its bytes. */
  conf: z.object({ path: z.string(), hash: z.string() }),
  /** Environment of the mode, from the conf and its team. */
  env: z.record(z.string(), z.string()),
  /** Absent when the conf says nothing of it. */
  execution: Execution.exactOptional(),
});
export type PlanStep = Readonly<z.infer<typeof PlanStep>>;

export const PlanPipeline = z.object({
  name: z.string(),
  schedule: z.string().nullable(),
  team: z.string().exactOptional(),
  steps: z.array(StepId),
});
export type PlanPipeline = Readonly<z.infer<typeof PlanPipeline>>;

export const PlanTable = z.object({
  name: TableName,
  external: z.boolean(),
  producedBy: z.string().exactOptional(),
  /** Partition columns its readers and its writer name; a lake table has one of them. */
  partitionColumns: z.array(z.string()),
  /** Pattern of its partition values in the lake, `yyyy-MM-dd` unless a source says otherwise. */
  partitionFormat: z.enum(["yyyy-MM-dd", "yyyyMMdd"]),
});
export type PlanTable = Readonly<z.infer<typeof PlanTable>>;

export const PlanProblem = z.object({
  severity: z.enum(["error", "warning"]),
  file: z.string(),
  config: z.string().exactOptional(),
  message: z.string(),
});
export type PlanProblem = Readonly<z.infer<typeof PlanProblem>>;

/** What fetchers and streams read of one config in the online store: its compiled file. */
export const MetadataRow = z.object({
  /** `joins/N`, `group_bys/N` or `models/N`, `N` the config's `metaData.name`. */
  key: z.string(),
  team: z.string(),
  /** The compiled file: its path in the release and the hash of its bytes. */
  conf: z.object({ path: z.string(), hash: z.string() }),
  /** Bigtable instance that its conf or team names. */
  instance: z.string().exactOptional(),
});
export type MetadataRow = Readonly<z.infer<typeof MetadataRow>>;

/** A stream that is to be kept running: of a GroupBy that is online and temporal, and has a topic. */
export const PlanStream = z.object({
  /** `metaData.name` of the GroupBy. */
  config: z.string(),
  team: z.string(),
  topic: z.string(),
  /** The step that must have succeeded once: the stream's job reads what it loads. */
  after: StepId,
  /** The join that is its source: the stream's job reads its row of the metadata. */
  parentJoin: z.string().exactOptional(),
  conf: z.object({ path: z.string(), hash: z.string() }),
  /** Environment of the mode `streaming`. */
  env: z.record(z.string(), z.string()),
  /** Absent when the conf says nothing of it. */
  execution: Execution.exactOptional(),
});
export type PlanStream = Readonly<z.infer<typeof PlanStream>>;

/** All steps, tables and edges compiled from one config release. */
export const Plan = z.object({
  schema: z.literal(1),
  /** Hash of everything below. */
  hash: z.string(),
  pipelines: z.array(PlanPipeline),
  steps: z.array(PlanStep),
  tables: z.array(PlanTable),
  /** In order of key. Left out: the plan was compiled before Landfall knew of metadata. */
  metadata: z.array(MetadataRow).exactOptional(),
  /** In order of config. Left out: there are none. */
  streams: z.array(PlanStream).exactOptional(),
  /** By team, `default` for those that say nothing: e-mail addresses of who is told of its alerts. */
  maintainers: z.record(z.string(), z.array(z.string())).exactOptional(),
  notScheduled: z.array(z.object({ config: z.string(), reason: z.string() })),
  problems: z.array(PlanProblem),
});
export type Plan = Readonly<z.infer<typeof Plan>>;

/** Collection `plans`, id `current`: which plan decides. In every commit's checks. */
export const PlanDocument = z.object({
  schema: z.literal(1),
  hash: z.string(),
  release: z.string(),
  /** Hash of the plan that decided before: what is new is looked at even if it is told again. */
  previous: z.string().nullable().exactOptional(),
  /** When the release was written, by the clock of the configs store: an older one does not replace it. */
  releasedAt: z.number().int().exactOptional(),
  /** Releases that decided before, the newest last, each with the hash of the plan before it. */
  replaced: z
    .array(z.object({ release: z.string(), previous: z.string().nullable() }))
    .exactOptional(),
  at: z.number().int(),
});
export type PlanDocument = Readonly<z.infer<typeof PlanDocument>>;

/** Object `releases/{hash}.json`: the files of one complete config release, by content hash. */
export const ReleaseManifest = z.object({
  schema: z.literal(1),
  release: z.string(),
  files: z.array(z.object({ path: z.string(), hash: z.string() })),
});
export type ReleaseManifest = Readonly<z.infer<typeof ReleaseManifest>>;
