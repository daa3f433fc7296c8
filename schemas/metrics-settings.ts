import { z } from "zod";
import { TableName } from "./ids.ts";

const price = z.number().min(0);

/** What is measured, and where that goes. */
export const MetricsSettings = z.object({
  /** Table of finished attempts in the lake; null: none is kept. */
  table: TableName.regex(/^[^./]+\.[^./]+$/, "write db.table")
    .nullable()
    .default("landfall.job_metrics"),
  /** How long finished attempts wait to be appended together. */
  appendMs: z.number().int().min(100).default(60_000),
  /** Tasks whose finished attempts go into one commit. */
  tasksMax: z.number().int().min(1).max(10_000).default(1_000),
  /** Where measurements go: nowhere, to the log, or over OTLP to `url`. */
  to: z.enum(["nowhere", "log", "otlp"]).default("nowhere"),
  /** Of Cloud Monitoring, or of a collector: `http://127.0.0.1:4318/v1/metrics`. */
  url: z.url().default("https://telemetry.googleapis.com/v1/metrics"),
  /** Distance of exports. */
  exportMs: z.number().int().min(100).default(60_000),
  /** Distance of looks at queues, pools and the freshness of tables. */
  gaugeMs: z.number().int().min(100).default(300_000),
  /** Prices per hour, for estimates of what jobs cost; what has none costs nothing. */
  prices: z
    .object({
      vcore: price.exactOptional(),
      memoryGb: price.exactOptional(),
      dcu: price.exactOptional(),
      shuffleStorageGb: price.exactOptional(),
    })
    .strict()
    .prefault({}),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "write three letters, for example USD")
    .default("USD"),
});
export type MetricsSettings = Readonly<z.infer<typeof MetricsSettings>>;
