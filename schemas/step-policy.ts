import { z } from "zod";

const count = z.number().int().min(0);

const Retry = z.strictObject({
  /** Attempts after the first. */
  max: count.exactOptional(),
  /** Mean wait before the first retry. */
  delayMs: count.exactOptional(),
});

/**
 * What may be said otherwise of the steps of a mode, of a team, or of a mode of a team. What is left
 * out is as the next wider says (`core/policy.ts`).
 */
export const StepPolicy = z.strictObject({
  retries: z
    .strictObject({ job: Retry.exactOptional(), infrastructure: Retry.exactOptional() })
    .exactOptional(),
  timeoutMs: z.number().int().min(1).exactOptional(),
  giveUpHours: z.number().positive().nullable().exactOptional(),
  maxActiveRuns: z.number().int().min(1).nullable().exactOptional(),
  headStartMs: count.exactOptional(),
});
export type StepPolicy = Readonly<z.infer<typeof StepPolicy>>;

/**
 * Who writes the metadata of configs into the online store. `job`: Chronon's `metadata-upload`, which
 * Landfall runs and verifies; `others`: somebody else, and Landfall leaves it alone.
 */
export const MetadataWriter = z.enum(["landfall", "job", "others"]);
export type MetadataWriter = z.infer<typeof MetadataWriter>;

/** What an operator says of one team. */
export const TeamSettings = z.strictObject({
  /** Put a daily GroupBy's backfill before its upload. */
  backfillBeforeUpload: z.boolean().default(false),
  /** As `metadata.by`, for its configs. */
  metadata: MetadataWriter.exactOptional(),
  /** `others`: somebody else keeps the streams of its GroupBys running. */
  streams: z.enum(["landfall", "others"]).default("landfall"),
  /** As `consistency.comparisonStep`, for its joins. */
  comparisonStep: z.boolean().exactOptional(),
  /** Jobs of its steps that may run at once, whatever pools they are in. */
  limit: z.number().int().min(1).exactOptional(),
  /** Chronon's release that its jobs run, whatever `VERSION` their confs name. */
  version: z.string().min(1).exactOptional(),
  /** Where that release lies, whatever `ARTIFACT_PREFIX` their confs name. */
  artifactPrefix: z.string().min(1).exactOptional(),
  /** Its configs try a release beside production: they may not write where other teams do. */
  test: z.boolean().default(false),
  ...StepPolicy.shape,
  /** The same for its steps of one mode. */
  modes: z.record(z.string(), StepPolicy).prefault({}),
});
export type TeamSettings = Readonly<z.infer<typeof TeamSettings>>;
