import { z } from "zod";

/** The command lines of Chronon's CLI, each named by the day it changed; airbnb's is `run.py`. */
export const ZiplineDialect = z.enum([
  "airbnb",
  "2025-05-14",
  "2025-06-18",
  "2025-07-25",
  "2025-09-16",
  "2025-10-20",
  "2025-11-11",
  "2026-01-13",
  "2026-02-24",
]);
export type ZiplineDialect = z.infer<typeof ZiplineDialect>;

const Chronon = {
  /** Chronon's release, as `VERSION` in the environment of confs. */
  version: z.string().exactOptional(),
  /** Where releases lie, as `ARTIFACT_PREFIX` in the environment of confs: `gs://...`. */
  artifactPrefix: z.string().exactOptional(),
};

/** How jobs run through the zipline CLI on this machine. */
export const ZiplineSettings = z.strictObject({
  /** The CLI, split into words; for airbnb's, `python3 /opt/chronon/run.py`. */
  program: z.string().min(1).default("zipline"),
  /** What is installed here of each `VERSION`: its dialect, and its own program if it has one. */
  versions: z
    .record(
      z.string(),
      z.strictObject({
        dialect: ZiplineDialect.exactOptional(),
        program: z.string().min(1).exactOptional(),
      }),
    )
    .prefault({}),
  /** For confs and teams that name none. */
  ...Chronon,
  teams: z.record(z.string(), z.strictObject(Chronon)).prefault({}),
  /**
   * True: the CLI itself waits for the job it submitted. False: it is told not to where its dialect
   * knows how, and `gcloud dataproc jobs wait` waits in its stead, which takes half the memory.
   */
  blocking: z.boolean().default(true),
  /** Ask for verbose logs (`--enable-debug`, later `--debug`). */
  debug: z.boolean().default(false),
  /** What loads the online store. */
  uploader: z.enum(["bigquery", "spark"]).default("bigquery"),
  /** Jars of an upload-to-kv with the Spark uploader. */
  sparkUploaderJars: z
    .array(z.string())
    .default(["gs://spark-lib/bigtable/spark-bigtable_2.12-0.1.0.jar"]),
  /** `host:port` of Kafka for streams; those of Pub/Sub need none. */
  kafkaBootstrap: z.string().exactOptional(),
  /** `--parallelism` of streams, which zipline takes and does not look at. */
  streamParallelism: z.number().int().min(1).exactOptional(),
});
export type ZiplineSettings = Readonly<z.infer<typeof ZiplineSettings>>;
