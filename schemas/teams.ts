import { z } from "zod";
import { ExecutionInfo } from "./chronon/metadata.ts";
import { optional, Values } from "./chronon/primitives.ts";

/**
 * One team of a `teams.json`: airbnb's (`common_env`, `production` by mode, `namespace`) or a plain
 * list of settings such as `team_name` and `bigtable_instance`, which are kept and not looked at.
 */
export const Team = z.looseObject({
  namespace: optional(z.string()),
  common_env: optional(Values),
  /** Environment by mode. */
  production: optional(Values),
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
