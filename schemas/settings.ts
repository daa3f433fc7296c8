import { z } from "zod";
import { TableName } from "./ids.ts";
import { ConfType } from "./plan.ts";
import { MetadataWriter, StepPolicy, TeamSettings } from "./step-policy.ts";

/**
 * When a partition of a table counts as complete. `at-landing`: at its first commit; `at-end`: its
 * day has ended, `delayMs` passed and no commit came for `settleMs`; `next`: the following
 * partition has data; `marker`: a `_SUCCESS` was seen; `manual`: somebody said so.
 */
export const Closing = z.discriminatedUnion("when", [
  z.object({ when: z.literal("at-landing") }),
  z.object({
    when: z.literal("at-end"),
    delayMs: z.number().int().min(0).default(0),
    settleMs: z.number().int().min(0).default(2_000),
  }),
  z.object({ when: z.literal("next") }),
  z.object({ when: z.literal("marker") }),
  z.object({ when: z.literal("manual") }),
]);
export type Closing = Readonly<z.infer<typeof Closing>>;

/** What an operator knows of one table. */
export const TableSettings = z.object({
  closing: Closing.exactOptional(),
  /** `fine`: a missing day inside a window is a remark, not a wait. */
  holes: z.enum(["fine", "wait"]).exactOptional(),
  /** Where the table lies in the lake, when not at `{db}/{table}` or `{db}.db/{table}`. */
  path: z.string().exactOptional(),
});
export type TableSettings = Readonly<z.infer<typeof TableSettings>>;

const retry = (max: number) =>
  z
    .object({
      /** Attempts after the first. */
      max: z.number().int().min(0).default(max),
      /** Mean wait before the first retry; doubles each time, full jitter. */
      delayMs: z.number().int().min(0).default(60_000),
    })
    .prefault({});

/** Every limit and default of Landfall, with its unit in its name. */
export const Settings = z.object({
  /** Part of every job id, so that two deployments on one project never meet. */
  deployment: z.string().min(1).max(30).default("landfall"),
  tables: z.record(TableName, TableSettings).prefault({}),
  /** Closing of external tables that have none of their own. */
  externalClosing: Closing.prefault({ when: "at-end" }),
  retries: z
    .object({
      /** The job itself failed (Chronon's Airflow default: once, after a minute). */
      job: retry(1),
      /** The ground under it failed: lost, refused, unreachable. */
      infrastructure: retry(3),
    })
    .prefault({}),
  /** How long a claim has to be submitted before another dispatcher may claim it again. */
  submitWithinMs: z.number().int().min(100).default(60_000),
  /** How long a job may run before it is cancelled. */
  timeoutMs: z
    .number()
    .int()
    .min(1)
    .default(24 * 3_600_000),
  /** Partitions at the end of an unbounded input whose landing again reruns the newest task. */
  unboundedLookback: z.number().int().min(1).default(7),
  /** Hours after the end of its day after which a task that still waits fails; null: it waits on. */
  giveUpHours: z.number().positive().nullable().default(null),
  /** Tasks of one step whose jobs may run at once; null: as many as its pools let. */
  maxActiveRuns: z.number().int().min(1).nullable().default(null),
  /** How much longer a task counts as having waited, where tasks wait for a slot or their turn. */
  headStartMs: z.number().int().min(0).default(0),
  /** By mode: what of the above is otherwise. */
  modes: z.record(z.string(), StepPolicy).prefault({}),
  /**
   * Limits on jobs that run at once, by pool. Steps without a pool are not limited. Those of the
   * defaults are what the DAGs of Airflow have.
   */
  pools: z
    .record(
      z.string().regex(/^[^:]+$/, "names of pools have no colon"),
      z.object({ limit: z.number().int().min(1) }),
    )
    .prefault({ group_by_batch: { limit: 300 }, join: { limit: 100 } }),
  /** Which pool the jobs of a mode take their slot from. */
  poolOfMode: z.record(z.string(), z.string()).prefault({}),
  /** The same by conf type, for modes that are not in `poolOfMode`; one that is no pool limits nothing. */
  poolOfConfType: z
    .partialRecord(ConfType, z.string())
    .prefault({ group_bys: "group_by_batch", joins: "join" }),
  teams: z.record(z.string(), TeamSettings).prefault({}),
  /**
   * Days after which the online store drops a cell: an upload-to-kv of an older day runs only on
   * command. Null: it keeps cells however old they are, as that of an embedded world does.
   */
  cellsKeptDays: z.number().positive().nullable().default(null),
  /** Compiled configs in the online store, where fetchers and streams look for them. */
  metadata: z
    .object({
      /** Who writes it; a team may say otherwise. */
      by: MetadataWriter.default("landfall"),
      /** Dataset and table, which Chronon names alike. */
      table: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,50}$/)
        .default("CHRONON_METADATA"),
      /** How old a row may become before all are written again; Chronon's own tables keep it 5 days. */
      refreshMs: z.number().int().min(60_000).max(345_600_000).default(86_400_000),
      /**
       * What becomes of the row of a config that is gone. `keep`: it is no longer refreshed. `delete`:
       * it is deleted, unless many are gone at once.
       */
      removal: z.enum(["keep", "delete"]).default("keep"),
    })
    .prefault({}),
  /** Streams of GroupBys, which are kept running. */
  streams: z
    .object({
      /** Who keeps them running; a team may say otherwise. */
      by: z.enum(["landfall", "others"]).default("landfall"),
      /** Distance of checks of a stream about which nothing is heard. */
      checkMs: z.number().int().min(1_000).default(600_000),
      /** How long a job may take after its submission to be healthy. */
      graceMs: z.number().int().min(1_000).default(900_000),
      /** A healthy stream's newest complete checkpoint is not older. */
      checkpointMs: z.number().int().min(1_000).default(300_000),
      /** Wait before a job that did not last is begun again; doubles each time, up to the longest. */
      restartMs: z.number().int().min(0).default(60_000),
      restartMsMax: z.number().int().min(0).default(1_800_000),
      /** So many ends that nobody asked for, within this time, are flapping. */
      flappingEnds: z.number().int().min(2).max(20).default(5),
      flappingMs: z.number().int().min(1_000).default(21_600_000),
      /**
       * What becomes of the stream of a config that is gone. `keep`: its job goes on, and nobody keeps
       * it running; `cancel`: its job is cancelled.
       */
      removal: z.enum(["keep", "cancel"]).default("keep"),
    })
    .prefault({}),
  /** Checks that what fetchers answered is what the offline join computes. */
  consistency: z
    .object({
      /** Table of the fetchers' raw log, for confs without `CHRONON_LOG_TABLE`. */
      logTable: TableName.exactOptional(),
      /** Table of logged schemas, for confs without `CHRONON_SCHEMA_TABLE`. */
      schemaTable: TableName.exactOptional(),
      /**
       * False: this Chronon has no build-comparison-table; consistency-metrics-compute builds the
       * table itself.
       */
      comparisonStep: z.boolean().default(true),
    })
    .prefault({}),
  /**
   * `read`: an upload-to-kv has succeeded when its serving info row was read back. `believe`: its exit
   * code is taken for it, with a remark, because the online store it loads is out of Landfall's reach.
   * Left out: `believe` for commands run by the process runner, `read` otherwise.
   */
  servingInfo: z.enum(["read", "believe"]).exactOptional(),
  /** Documents one commit may write or check. */
  commitDocumentsMax: z.number().int().min(10).max(500).default(400),
  /** Events taken from the bus at once. */
  deliveriesMax: z.number().int().min(1).default(1_000),
  /** Distance of ticks. */
  tickMs: z.number().int().min(10).default(200),
});
export type Settings = Readonly<z.infer<typeof Settings>>;
