import { createHash } from "node:crypto";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { DataprocProfile, DataprocSettings, Serverless } from "../../schemas/dataproc.ts";
import { artifactPrefixOf, first, versionOf } from "../chronon/release-of.ts";
import { type Refusal, refused } from "../refusal.ts";
import { type ClusterConfig, clusterConfigOf, configFromJson } from "./dataproc-cluster.ts";

/** Where a job runs, and with which Chronon. */
export interface Placement {
  readonly region: string;
  readonly version: string;
  readonly artifactPrefix: string;
  readonly on:
    | {
        readonly kind: "cluster";
        readonly name: string;
        /** What to make it with when it is not there; null: somebody else makes it. */
        readonly make: { readonly config: ClusterConfig } | null;
      }
    | { readonly kind: "serverless"; readonly serverless: Serverless };
}

/** What a job's place depends on. */
export type Placed = Pick<JobSpec, "team" | "mode" | "env" | "execution">;

export interface Placing {
  readonly settings: DataprocSettings;
  readonly deployment: string;
}

/**
 * Where a job runs: on the cluster its conf names for its mode, else on one of its conf's
 * `dataproc.config`, else where its team says, else where its profile says. Its Chronon release and
 * where that lies are looked for in the same order.
 */
export function placementOf(placing: Placing, spec: Placed): Placement | Refusal {
  const { settings } = placing;
  const team = settings.teams[spec.team] ?? {};
  const name = team.profile ?? settings.profileOfMode[spec.mode] ?? "incremental";
  const profile = settings.profiles[name];
  const region = settings.regions.find((each) => each === spec.env["GCP_REGION"]);
  if (region === undefined && (spec.env["GCP_REGION"] ?? "") !== "") {
    return refused(
      `its GCP_REGION is ${spec.env["GCP_REGION"]}, which is not among the regions Landfall watches (${settings.regions.join(", ")}): add it to dataproc.regions`,
    );
  }
  const said = [team, profile];
  const version = versionOf(spec, said, saidIn);
  if (typeof version !== "string") return version;
  const artifactPrefix = artifactPrefixOf(spec, said, saidIn);
  if (typeof artifactPrefix !== "string") return artifactPrefix;
  const on = placeOf(placing, spec, { name, profile });
  if ("refused" in on) return on;
  const inRegion = region ?? settings.regions[0] ?? "";
  return { region: inRegion, version, artifactPrefix, on };
}

const saidIn = "for its team or profile in Landfall's dataproc settings";

function placeOf(
  placing: Placing,
  spec: Placed,
  { name, profile }: { readonly name: string; readonly profile: DataprocProfile | undefined },
): Placement["on"] | Refusal {
  const { settings, deployment } = placing;
  const { cluster, clusterConfig } = spec.execution;
  const make = clusterConfig === undefined ? null : configFromJson(clusterConfig);
  if (make !== null && "refused" in make) return make;
  if (cluster !== undefined) return { kind: "cluster", name: cluster, make };
  if (make !== null) {
    const own = clusterName(deployment, `conf-${shortHash(clusterConfig ?? "")}`);
    return { kind: "cluster", name: own, make };
  }
  const ofTeam = first([
    spec.env["SPARK_CLUSTER_NAME"],
    spec.env["GCP_DATAPROC_CLUSTER_NAME"],
    settings.teams[spec.team]?.cluster,
  ]);
  if (ofTeam !== null) return { kind: "cluster", name: ofTeam, make: null };
  if (profile === undefined) {
    return refused(
      `its profile "${name}" is not in dataproc.profiles: add it, or set SPARK_CLUSTER_NAME in the conf`,
    );
  }
  const { stagingBucket } = spec.execution;
  const staged = stagingBucket === undefined ? {} : { stagingBucket };
  switch (profile.place.on) {
    case "cluster":
      return { kind: "cluster", name: profile.place.name, make: null };
    case "serverless":
      return { kind: "serverless", serverless: { ...profile.place, ...staged } };
    case "ephemeral": {
      const spot =
        profile.place.secondaryWorkers > 0 && settings.nonCriticalModes.includes(spec.mode);
      const usual = spot ? `${name}-spot` : name;
      // A bucket is its cluster's: teams with one of their own share no cluster with others.
      const own = stagingBucket === undefined ? null : `team-${shortHash(usual + stagingBucket)}`;
      return {
        kind: "cluster",
        name: clusterName(deployment, own ?? usual),
        make: { config: clusterConfigOf(profile.place, { spot, ...staged }) },
      };
    }
  }
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

/** `[a-z]([-a-z0-9]{0,49}[a-z0-9])?`, as Dataproc wants the names of clusters. */
function clusterName(deployment: string, of: string): string {
  return `lf-${deployment}-${of}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, "-")
    .slice(0, 51)
    .replace(/-+$/, "");
}
