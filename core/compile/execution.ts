import type { Execution } from "../../schemas/plan.ts";
import type { Config } from "./config-file.ts";
import { field, ownVariable } from "./environment.ts";
import type { TeamSays } from "./team-says.ts";

/**
 * How a conf and its team want a mode's job run by a cluster; null when they say nothing of it. Compilers merge
 * what is common into each mode's part, so a mode's part stands alone (zipline, `JobSubmitter`).
 * `GCP_DATAPROC_CLUSTER_NAME` is what `SPARK_CLUSTER_NAME` was called before.
 */
export function executionOf(
  config: Config,
  { mode, says }: { readonly mode: string; readonly says: TeamSays },
): Execution | null {
  const { user, stagingBucket } = says;
  const { conf, ...info } = config.metaData.executionInfo ?? {};
  const cluster =
    ownVariable(config, { mode, name: "SPARK_CLUSTER_NAME" }) ??
    ownVariable(config, { mode, name: "GCP_DATAPROC_CLUSTER_NAME" });
  const ofCluster = field(info, "clusterConf");
  const clusterConfig =
    configOf(field(field(ofCluster, "modeClusterConfigs"), mode)) ??
    configOf(field(ofCluster, "common"));
  const properties = texts(field(field(conf, "modeConfigs"), mode) ?? field(conf, "common"));
  const said = Object.entries({ cluster, clusterConfig, user, stagingBucket }).filter(
    ([, value]) => value !== null,
  );
  if (said.length === 0 && Object.keys(properties).length === 0) return null;
  return { properties, ...(Object.fromEntries(said) as Partial<Execution>) };
}

function configOf(of: object | null): string | null {
  const found = new Map<string, unknown>(Object.entries(of ?? {})).get("dataproc.config");
  if (typeof found === "string") return found === "" ? null : found;
  return found === undefined || found === null ? null : JSON.stringify(found);
}

/** Properties in order of name; thrift writes texts, whatever else is there is written as JSON. */
function texts(of: object | null): Record<string, string> {
  const entries = Object.entries(of ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]): [string, string] => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
