import { parseArgsStringToArgv } from "string-argv";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { ZiplineSettings } from "../../schemas/zipline.ts";
import { type Refusal, refused } from "../refusal.ts";
import { type Dialect, dialectNamed, dialectOfRelease, knownReleases } from "./dialects.ts";
import { logTablesOf } from "./log-tables.ts";
import { artifactPrefixOf, versionOf } from "./release-of.ts";

/** What runs a job through Chronon's CLI. */
export interface CliCommand {
  /** The program and its arguments; the conf is named from the folder it is to be run in. */
  readonly argv: readonly string[];
  readonly dialect: Dialect;
  /** Whether it ends when the job it submitted ended, rather than when that was submitted. */
  readonly waits: boolean;
}

interface Wanted {
  readonly spec: JobSpec;
  readonly settings: ZiplineSettings;
  readonly dialect: Dialect;
}

/**
 * The command line of a job, for the version of the CLI that its conf, else its team, else the
 * settings name. A job of a range gets both its ends, a job of a day its day. Refused: a version
 * nobody knows, a mode that the version has not, and what a mode needs and nobody says.
 */
export function cliCommand(spec: JobSpec, settings: ZiplineSettings): CliCommand | Refusal {
  const said = [settings.teams[spec.team], settings];
  const version = versionOf(spec, said, saidIn);
  if (typeof version !== "string") return version;
  const dialect = dialectOf(version, settings);
  if ("refused" in dialect) return dialect;
  const conf = confOf(spec);
  if (typeof conf !== "string") return conf;
  const own = ownArguments({ spec, settings, dialect }, version);
  if ("refused" in own) return own;
  const prefix = dialect.submits ? artifactPrefixOf(spec, said, saidIn) : "";
  if (typeof prefix !== "string") return prefix;
  const program = settings.versions[version]?.program ?? settings.program;
  const isStream = spec.mode === "streaming";
  const lets = !settings.blocking && dialect.noWait !== null;
  const argv = [
    ...parseArgsStringToArgv(program),
    ...(dialect.submits ? ["run"] : []),
    ...(dialect.conf === "first" ? [conf] : []),
    "--mode",
    spec.mode,
    ...(isStream && dialect.submits ? ["--streaming-mode", "deploy"] : []),
    ...(dialect.conf === "option" ? ["--conf", conf] : []),
    ...own.before,
    ...(dialect.submits ? ["--artifact-prefix", prefix] : []),
    "--version",
    version,
    ...(own.after ?? []),
    ...(lets && dialect.noWait !== null ? [dialect.noWait] : []),
    ...(settings.debug && dialect.debug !== null ? [dialect.debug] : []),
  ];
  return { argv, dialect, waits: !lets && (!isStream || dialect.waitsForStreams) };
}

const saidIn = "for its team or for all in Landfall's zipline settings";

function dialectOf(version: string, { versions }: ZiplineSettings): Dialect | Refusal {
  const named = versions[version]?.dialect;
  const found = named === undefined ? dialectOfRelease(version) : dialectNamed(named);
  if (found !== null) return found;
  const known = [...Object.keys(versions), knownReleases()].join(", ");
  return refused(
    `which CLI its VERSION "${version}" is, is not known: name its dialect in zipline.versions of Landfall's settings (known: ${known})`,
  );
}

/**
 * The last four parts of its path, `<root>/<conf type>/<team>/<file>`: that is where CLIs read type
 * and team from. A release without a root folder is of `compiled`.
 */
export function confOf({ confPath, confType }: JobSpec): string | Refusal {
  const parts = confPath.split("/").slice(-4);
  const path = parts.length === 3 ? ["compiled", ...parts] : parts;
  const wellFormed = path.every((part) => part !== "" && part !== "." && part !== "..");
  if (path.length === 4 && path[1] === confType && wellFormed) return path.join("/");
  return refused(
    `its conf lies at ${confPath}, where the CLI cannot tell its type and team: move it to compiled/${confType}/<team>/<file>`,
  );
}

/** What stands before and after artifacts and version. */
interface Own {
  readonly before: readonly string[];
  readonly after?: readonly string[];
}

const ROUTES: Readonly<Record<string, (wanted: Wanted) => Own | Refusal>> = {
  "group_bys/backfill": range,
  "group_bys/upload": day,
  "group_bys/upload-to-kv": uploadToKv,
  "group_bys/streaming": streaming,
  "group_bys/metadata-upload": () => ({ before: [] }),
  "joins/backfill": range,
  "joins/metadata-upload": () => ({ before: [] }),
  "joins/log-flattener": flattener,
  "joins/build-comparison-table": day,
  "joins/consistency-metrics-compute": day,
  "staging_queries/backfill": range,
};

function ownArguments(wanted: Wanted, version: string): Own | Refusal {
  const { spec, dialect } = wanted;
  const key = `${spec.confType}/${spec.mode}`;
  const of = ROUTES[key];
  if (of === undefined) return refused(`Chronon's CLI has no ${spec.mode} for ${spec.confType}`);
  const lacks = dialect.lacks[key] ?? dialect.lacks[spec.mode];
  if (lacks === undefined) return of(wanted);
  return refused(
    `the CLI of VERSION "${version}" (dialect ${dialect.name}) has no ${spec.mode} for ${spec.confType}: ${lacks}`,
  );
}

function day({ spec }: Wanted): Own {
  return { before: ["--ds", spec.range.end] };
}

/** airbnb's run.py passes on what it does not know; zipline's makes the driver's option itself. */
function range({ spec, dialect }: Wanted): Own {
  const { start, end } = spec.range;
  return dialect.submits
    ? { before: ["--start-ds", start, "--end-ds", end] }
    : { before: ["--ds", end, `--${dialect.start}=${start}`] };
}

function uploadToKv({ spec, settings, dialect }: Wanted): Own | Refusal {
  const { uploader, sparkUploaderJars } = settings;
  if (!dialect.hasUploader && uploader === "spark") {
    return refused(
      `the CLI of dialect ${dialect.name} loads the online store through BigQuery only: set zipline.uploader to "bigquery", or install one of 2025-09-16 (#1146) or later`,
    );
  }
  const jars = uploader === "spark" && sparkUploaderJars.length > 0;
  return {
    before: ["--ds", spec.range.end, ...(dialect.hasUploader ? ["--uploader", uploader] : [])],
    after: jars ? ["--additional-jars", sparkUploaderJars.join(",")] : [],
  };
}

function streaming({ spec, settings, dialect }: Wanted): Own | Refusal {
  const { kafkaBootstrap: kafka, streamParallelism: parallelism } = settings;
  if (!dialect.submits) return { before: kafka === undefined ? [] : ["--kafka-bootstrap", kafka] };
  const state = spec.env["FLINK_STATE_URI"];
  if (state === undefined || state === "") {
    return refused("no FLINK_STATE_URI is known for it: set it in the conf or for its team");
  }
  const { savepoint } = spec;
  return {
    before: [
      ...(kafka === undefined ? [] : ["--kafka-bootstrap", kafka]),
      "--flink-state-uri",
      state,
    ],
    after: [
      ...(parallelism === undefined ? [] : ["--parallelism", String(parallelism)]),
      ...(savepoint === undefined ? ["--no-savepoint"] : ["--custom-savepoint", savepoint]),
    ],
  };
}

function flattener({ spec }: Wanted): Own | Refusal {
  const tables = logTablesOf(spec);
  if ("refused" in tables) return tables;
  return {
    before: ["--log-table", tables.log, "--schema-table", tables.schemas, "--ds", spec.range.end],
  };
}
