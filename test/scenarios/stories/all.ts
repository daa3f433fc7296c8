import type { Story } from "../../support/story/story.ts";
import { alerts } from "./alerts.ts";
import { attempts } from "./attempts.ts";
import { consistency } from "./consistency.ts";
import { groupByBatch } from "./group-by-batch.ts";
import { joinsAndStagingQueries } from "./joins-and-staging-queries.ts";
import { metadata } from "./metadata.ts";
import { metadataByJob } from "./metadata-by-job.ts";
import { streaming } from "./streaming.ts";

/** One for every pipeline. */
export const stories: readonly Story[] = [
  groupByBatch,
  joinsAndStagingQueries,
  streaming,
  metadata,
  metadataByJob,
  consistency,
  alerts,
  attempts,
];
