import type { ConfType, Flavour, OutputEffect, PlanStep } from "../../schemas/plan.ts";

/** What a mode's job does to its output, and how a task of it is run and verified. */
export type Effect = Pick<PlanStep, "effect" | "verification" | "strategy">;

type Effects = Readonly<Record<string, Effect>>;

const every = (effect: OutputEffect): Effect => ({
  effect,
  verification: verificationOf(effect),
  strategy: "every",
});
/** Steps of a join's consistency check. Nothing of them is computed again once it is there. */
const check: Effects = {
  "log-flattener": every("fills"),
  "consistency-metrics-compute": every("fills"),
  "publish-metrics": { effect: "none", verification: "published", strategy: "every" },
};
/** A row is written in place, whatever day it is. */
const metadataUpload: Effects = {
  "metadata-upload": { effect: "none", verification: "metadata-row", strategy: "latest-only" },
};
const latest = (effect: OutputEffect): Effect => ({ ...every(effect), strategy: "latest-only" });

/**
 * Read from the sources of both flavours (zipline at eab4965d, airbnb at 5edd4fc9). Joins and
 * staging queries compute `unfilledRanges` only (`JoinBase.scala`, `StagingQuery.scala`), airbnb's
 * GroupBy backfill too (`GroupBy.scala`); zipline's overwrites since May 2025. Only the newest upload
 * of a GroupBy is ever served, so older ones need not be run.
 */
const EFFECTS: Readonly<Record<Flavour, Readonly<Record<ConfType, Effects>>>> = {
  zipline: {
    group_bys: {
      upload: latest("overwrites"),
      "upload-to-kv": latest("none"),
      backfill: every("overwrites"),
      ...metadataUpload,
    },
    joins: {
      backfill: every("fills"),
      "build-comparison-table": every("fills"),
      ...check,
      ...metadataUpload,
    },
    staging_queries: { backfill: every("fills") },
    models: {},
    model_transforms: {},
  },
  airbnb: {
    group_bys: {
      upload: latest("rewrites-table"),
      "upload-to-kv": latest("none"),
      backfill: every("fills"),
    },
    joins: { backfill: every("fills"), ...check },
    staging_queries: { backfill: every("fills") },
    models: {},
    model_transforms: {},
  },
};

/** The row of a mode. A mode without one is a bug: whoever adds a step adds its row. */
export function effectOf(flavour: Flavour, confType: ConfType, mode: string): Effect {
  const effect = new Map(Object.entries(EFFECTS[flavour][confType])).get(mode);
  if (effect === undefined) throw new Error(`no effect is known of ${flavour} ${confType} ${mode}`);
  return effect;
}

/** Verification that fits an effect: what can be looked at after the job. */
export function verificationOf(effect: OutputEffect): "partitions" | "table" | "serving-info" {
  switch (effect) {
    case "overwrites":
    case "fills":
      return "partitions";
    case "rewrites-table":
      return "table";
    case "none":
      return "serving-info";
  }
}
