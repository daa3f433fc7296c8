import { z } from "zod";
import { EpochMs, Partition } from "./ids.ts";

/** One finished attempt: a row of the table `landfall.job_metrics`. Its key is `jobId`. */
export const JobMetric = z.object({
  /** Of the attempt: no other has it, in this deployment or another. */
  jobId: z.string(),
  deployment: z.string(),
  pipeline: z.string(),
  team: z.string(),
  config: z.string(),
  /** `{config}/{jobType}`. */
  step: z.string(),
  /** As the zipline CLI names it: `upload`, `upload-to-kv`, `backfill`. */
  jobType: z.string(),
  start: Partition,
  end: Partition,
  /** Days from `start` to `end`. */
  days: z.number().int().min(1),
  run: z.number().int().min(1),
  attempt: z.number().int().min(1),
  /** As it was judged: a job that exited 0 having written nothing `failed`. */
  state: z.enum(["succeeded", "failed", "cancelled"]),
  /** As the job ended, whatever it wrote; null: nobody knows. */
  outcome: z.string().nullable(),
  /** Of a failure: whose it is. */
  blame: z.string().nullable(),
  /** Of a failure: what kind, and which: the same for every failure of one cause. */
  errorClass: z.string().nullable(),
  fingerprint: z.string().nullable(),
  error: z.string().nullable(),
  claimedAt: EpochMs,
  /** Null: it never ran, or nobody knows since when. */
  startedAt: EpochMs.nullable(),
  endedAt: EpochMs,
  /** From its start to its end; null without a start. */
  durationMs: z.number().nullable(),
  vcoreSeconds: z.number().nullable(),
  memoryMbSeconds: z.number().nullable(),
  milliDcuSeconds: z.number().nullable(),
  shuffleStorageGbSeconds: z.number().nullable(),
  /** By the prices of the settings; null where nothing of it was counted or has a price. */
  cost: z.number().nullable(),
  currency: z.string().nullable(),
  log: z.string().nullable(),
});
export type JobMetric = Readonly<z.infer<typeof JobMetric>>;

/** Collection `job-metrics`, id `read`: how far finished attempts were looked for. Only trackers write it. */
export const JobMetricsDocument = z.object({
  schema: z.literal(1),
  /** The store's word for a place in the order of its commits. */
  cursor: z.string(),
  at: EpochMs,
});
export type JobMetricsDocument = Readonly<z.infer<typeof JobMetricsDocument>>;
