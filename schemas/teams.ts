import { z } from "zod";
import { ExecutionInfo } from "./chronon/metadata.ts";
import { optional, Values } from "./chronon/primitives.ts";

/**
 * One team of a `teams.json`: airbnb's fields (`common_env`, `production` by mode, `namespace`, `user`)
 * and those that DAGs of Airflow were made from.
 */
export const Team = z.looseObject({
  namespace: optional(z.string()),
  common_env: optional(Values),
  /** Environment by mode. */
  production: optional(Values),
  /** The same as its key. */
  team_name: optional(z.string()),
  /** Who is told of its alerts. */
  maintainer_emails: optional(z.union([z.email(), z.array(z.email())])),
  /** Whom its jobs run for: a label of each. */
  user: optional(z.string()),
  /** No task of an earlier day is born by itself. */
  dag_start_date: optional(z.string()),
  /** Bigtable instance of its jobs, where neither they nor its environment name one. */
  bigtable_instance: optional(
    z.string().regex(/^[a-z][-a-z0-9]{0,32}$/, "write the id of a Bigtable instance"),
  ),
  /** Bucket that Dataproc keeps files of its jobs in. */
  dataproc_staging_bucket: optional(
    z.string().regex(/^(gs:\/\/)?[a-z0-9][-_.a-z0-9]{1,220}\/?$/, "write gs://bucket"),
  ),
});
export type Team = Readonly<z.infer<typeof Team>>;

/** `teams.json`: teams by name; every team inherits from `default`. */
export const TeamsFile = z.record(z.string(), z.unknown());

/** Zipline's `teams_metadata/<team>/<team>_team_metadata`. */
export const TeamMetadata = z.looseObject({
  executionInfo: optional(ExecutionInfo),
  outputNamespace: optional(z.string()),
});
export type TeamMetadata = Readonly<z.infer<typeof TeamMetadata>>;
