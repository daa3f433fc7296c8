import { z } from "zod";
import { AlertSettings } from "./alert-settings.ts";
import { GoogleCloud } from "./google-cloud.ts";
import { MetricsSettings } from "./metrics-settings.ts";
import { Settings } from "./settings.ts";
import { ZiplineSettings } from "./zipline.ts";

/**
 * Everything one deployment of Landfall is told: the limits of its core, and where its world lies.
 * Each setting can stand in a file, or in the environment (`read-settings.ts`).
 */
export const Deployment = z.object({
  ...Settings.shape,
  /** `embedded`: this machine and nothing else; `gcp`: Google Cloud. */
  world: z.enum(["embedded", "gcp"]).default("embedded"),
  /** Where a service listens for probes and pushes. 0: any free port. */
  port: z.number().int().min(0).max(65_535).default(8080),
  /** Interface it listens on. On Cloud Run, which says so by `K_SERVICE`, all of them. */
  host: z.string().default("127.0.0.1"),
  /** How long a service may take to end once it was told to; Cloud Run waits ten seconds. */
  drainMs: z.number().int().min(100).default(9_000),
  /** Every table of the lake is looked at once in this time, whatever notifications are lost. */
  reconcileMs: z.number().int().min(1_000).default(30_000),
  /** Distance of looks at which plan is current, and at tables that could not be read. */
  beatMs: z.number().int().min(10).default(250),
  /** Folder of the state of an embedded world. */
  data: z.string().min(1).default(".landfall/data"),
  /** Folder of the lake of an embedded world. */
  lake: z.string().min(1).default(".landfall/lake"),
  /** What runs a job of an embedded world; without it, and without zipline, jobs are rehearsed. */
  command: z.string().min(1).exactOptional(),
  /** Jobs of an embedded world are run through the zipline CLI of this machine. */
  zipline: ZiplineSettings.exactOptional(),
  gcp: GoogleCloud.exactOptional(),
  /** What people are told of, and how. */
  alerts: AlertSettings.prefault({}),
  /** What is measured, and where that goes. */
  metrics: MetricsSettings.prefault({}),
});
export type Deployment = Readonly<z.infer<typeof Deployment>>;

/**
 * What another world is better off with: a look at Firestore costs money, and so does a list of a
 * bucket.
 */
export const DEFAULTS_OF_WORLD = {
  embedded: {},
  // Chronon makes tables of Bigtable that drop a cell at five days.
  gcp: { tickMs: 1_000, beatMs: 1_000, reconcileMs: 600_000, cellsKeptDays: 5 },
} as const satisfies Record<Deployment["world"], Partial<Deployment>>;
