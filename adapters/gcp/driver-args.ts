import type { JobSpec } from "../../ports/job-runner.ts";
import type { DataprocSettings, DriverDialect } from "../../schemas/dataproc.ts";
import { dialectOfRelease } from "../chronon/dialects.ts";
import { logTablesOf } from "../chronon/log-tables.ts";
import { type Refusal, refused } from "../refusal.ts";

/** The jar of Chronon's Google Cloud build: what runs, and what loads the online store. */
export const libraryJar = "cloud_gcp_lib_deploy.jar";

/** Chronon's implementation of its online API for Google Cloud. */
export const onlineClass = "ai.chronon.integrations.cloud_gcp.GcpApiImpl";

export interface DriverArguments {
  readonly args: readonly string[];
  /** Jars that only this mode needs. */
  readonly jars: readonly string[];
}

interface Wanted {
  readonly spec: JobSpec;
  readonly settings: DataprocSettings;
  /** Chronon's release. */
  readonly version: string;
}

/**
 * The arguments of Chronon's driver, as its own submitter gives them per conf type and mode
 * (`repo/constants.py` ROUTES, `repo/default_runner.py`, `repo/gcp.py`). `--conf-path` is a file
 * name: Dataproc copies the conf to the driver's working directory. A job of a range always gets
 * both ends: without a start a join fills all of history.
 */
export function driverArguments(wanted: Wanted): DriverArguments | Refusal {
  const { spec } = wanted;
  const route = ROUTES[`${spec.confType}/${spec.mode}`];
  if (route === undefined) {
    return refused(`Chronon's driver has no ${spec.mode} for ${spec.confType}`);
  }
  const [subcommand, of] = route;
  const own = of(wanted);
  if ("refused" in own) return own;
  const { project, instance } = storeOf(wanted);
  const conf = `--conf-path=${spec.conf.slice(spec.conf.lastIndexOf("/") + 1)}`;
  return {
    args: [
      subcommand,
      conf,
      ...own.before,
      `--conf-type=${spec.confType}`,
      ...(own.after ?? []),
      "--is-gcp",
      `--gcp-project-id=${project}`,
      ...(instance === null ? [] : [`--gcp-bigtable-instance-id=${instance}`]),
    ],
    jars: own.jars ?? [],
  };
}

/** Project and Bigtable instance that a job's conf, else the settings, name. */
export function storeOf({ spec, settings }: Pick<Wanted, "spec" | "settings">): {
  readonly project: string;
  readonly instance: string | null;
} {
  return {
    project: spec.env["GCP_PROJECT_ID"] || settings.project,
    instance: spec.env["GCP_BIGTABLE_INSTANCE_ID"] || (settings.bigtableInstance ?? null),
  };
}

/** `CHRONON_ONLINE_ARGS`, for example ` -Ztasks=4`, as words. */
export function onlineArguments({ env }: JobSpec): string[] {
  return (env["CHRONON_ONLINE_ARGS"] ?? "").split(/\s+/).filter((word) => word !== "");
}

/** What stands before and after `--conf-type`. */
interface Own {
  readonly before: readonly string[];
  readonly after?: readonly string[];
  readonly jars?: readonly string[];
}

type Route = readonly [subcommand: string, of: (wanted: Wanted) => Own | Refusal];

const ROUTES: Readonly<Record<string, Route>> = {
  "group_bys/backfill": ["group-by-backfill", range],
  "group_bys/upload": ["group-by-upload", day],
  "group_bys/upload-to-kv": ["group-by-upload-bulk-load", uploadToKv],
  "group_bys/metadata-upload": ["metadata-upload", metadata],
  "joins/backfill": ["join", range],
  "joins/metadata-upload": ["metadata-upload", metadata],
  "joins/log-flattener": ["log-flattener", flattener],
  "joins/build-comparison-table": ["build-comparison-table", day],
  "joins/consistency-metrics-compute": ["consistency-metrics-compute", day],
  "staging_queries/backfill": ["staging-query-backfill", range],
};

function day({ spec }: Wanted): Own {
  return { before: [`--end-date=${spec.range.end}`] };
}

function range({ spec, settings, version }: Wanted): Own {
  const known = dialectOfRelease(version)?.start;
  const dialect: DriverDialect = settings.dialects[version] ?? known ?? settings.dialect;
  return { before: [`--end-date=${spec.range.end}`, `--${dialect}=${spec.range.start}`] };
}

const online = [`--online-jar=${libraryJar}`, `--online-class=${onlineClass}`];

function uploadToKv(wanted: Wanted): Own | Refusal {
  const { spec, settings } = wanted;
  if (storeOf(wanted).instance === null) return withoutInstance;
  const spark = settings.uploader === "spark";
  return {
    before: [`--end-date=${spec.range.end}`, ...online],
    after: [`--uploader=${settings.uploader}`],
    jars: spark ? settings.sparkUploaderJars : [],
  };
}

function metadata(wanted: Wanted): Own | Refusal {
  if (storeOf(wanted).instance === null) return withoutInstance;
  return { before: [...online, ...onlineArguments(wanted.spec)] };
}

const withoutInstance = refused(
  "no Bigtable instance is known for it: set GCP_BIGTABLE_INSTANCE_ID in the conf, or bigtableInstance in Landfall's dataproc settings",
);

function flattener({ spec }: Wanted): Own | Refusal {
  const tables = logTablesOf(spec);
  if ("refused" in tables) return tables;
  const { log, schemas } = tables;
  return {
    before: [`--end-date=${spec.range.end}`, `--log-table=${log}`, `--schema-table=${schemas}`],
  };
}
