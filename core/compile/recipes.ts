import type { StepId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import {
  comparisonTable,
  consistencyMetrics,
  logFlattener,
  publishMetrics,
} from "./consistency-recipes.ts";
import type { Described } from "./describe.ts";
import { quoted } from "./findings.ts";
import { uploadTable } from "./names.ts";
import type { Recipe } from "./recipe.ts";

/**
 * Every mode Landfall plans, by conf type. A recipe answers null when a config has no such step.
 * One more mode is one more row here and in the table of effects.
 */
export const RECIPES: Readonly<
  Record<
    Described["config"]["confType"],
    readonly (readonly [mode: string, recipe: (of: Described) => Recipe | null])[]
  >
> = {
  group_bys: [
    ["upload", upload],
    ["upload-to-kv", uploadToKv],
    ["backfill", groupByBackfill],
    ["metadata-upload", metadataUpload],
  ],
  joins: [
    ["backfill", joinBackfill],
    ["log-flattener", logFlattener],
    ["build-comparison-table", comparisonTable],
    ["consistency-metrics-compute", consistencyMetrics],
    ["publish-metrics", publishMetrics],
    ["metadata-upload", metadataUpload],
  ],
  staging_queries: [["backfill", stagingBackfill]],
  models: [],
  model_transforms: [],
};

/** Why configs of a type without recipes have no steps. */
export function reasonOfNone(confType: "models" | "model_transforms"): string {
  return confType === "models"
    ? "models are not scheduled; train and deploy them elsewhere"
    : "model transforms are not scheduled; run them elsewhere";
}

export function stepId(config: string, mode: string): StepId {
  return `${config}/${mode}`;
}

function upload(of: Described): Recipe | null {
  if (!of.online) return null;
  return {
    pipeline: `chronon_gb_batch_${of.config.team}`,
    schedule: of.uploadSchedule,
    inputs: inputsOf(of),
    after: of.backfillFirst ? [stepId(of.config.name, "backfill")] : [],
    output: uploadTable(of.output, of.config.flavour),
    stepDays: 1,
  };
}

/**
 * Loads the upload of a day. Both loaders of Chronon filter `WHERE ds = '<day>'`, whatever the
 * column is called (`BigTableKVStoreImpl.scala`, `Spark2BigTableLoader.scala`): with another column
 * this step can never work and is left out. The upload itself stays, others may read its table.
 */
function uploadToKv(of: Described): Recipe | null {
  if (!of.online) return null;
  if (of.column !== "ds") {
    of.findings.flaw(
      `it is online, but its upload is partitioned by ${quoted(of.column)} and upload-to-kv only reads "ds": it has no upload-to-kv until spark.chronon.partition.column is "ds"`,
    );
    return null;
  }
  return {
    pipeline: `chronon_gb_batch_${of.config.team}`,
    schedule: of.uploadSchedule,
    inputs: [
      {
        table: uploadTable(of.output, of.config.flavour),
        startOffset: "P0D",
        endOffset: "P0D",
        partitionColumn: of.column,
      },
    ],
    after: [stepId(of.config.name, "upload")],
    stepDays: 1,
  };
}

/**
 * Chronon's own job for the row that fetchers look for: each day, since its tables drop rows by age,
 * and when the conf is another. airbnb's writes other rows, which are left to others.
 */
function metadataUpload({ config, online, metadataByJob }: Described): Recipe | null {
  const isServed = config.flavour === "zipline" && (config.confType === "joins" || online);
  if (!metadataByJob || !isServed) return null;
  return { pipeline: "chronon_metadata", schedule: "@daily", inputs: [], after: [], stepDays: 1 };
}

function groupByBackfill(of: Described): Recipe {
  const scheduled = of.backfillSchedule !== null;
  return backfill(of, scheduled ? `chronon_gb_batch_${of.config.team}` : "chronon_gb_backfill");
}

function joinBackfill(of: Described): Recipe {
  const scheduled = of.backfillSchedule !== null;
  return backfill(of, scheduled ? `chronon_join_batch_${of.config.team}` : "chronon_join_backfill");
}

function stagingBackfill(of: Described): Recipe {
  return backfill(of, `chronon_sq_batch_${of.config.team}`);
}

function backfill(of: Described, pipeline: string): Recipe {
  return {
    pipeline,
    schedule: of.backfillSchedule,
    inputs: inputsOf(of),
    after: [],
    output: of.output,
    stepDays: of.backfillDays,
  };
}

function inputsOf(of: Described): PlanStep["inputs"] {
  return of.reads.map((read) => read.input);
}
