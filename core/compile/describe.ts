import type { MetaData } from "../../schemas/chronon/metadata.ts";
import type { Settings } from "../../schemas/settings.ts";
import { metadataBy } from "../metadata-by.ts";
import { own } from "../own.ts";
import type { Config } from "./config-file.ts";
import { type Consistency, consistencyOf, type Unchecked } from "./consistency.ts";
import type { Findings } from "./findings.ts";
import { sanitize, tableName } from "./names.ts";
import { dateOf, formatOf, type PartitionFormat, type Read } from "./reads.ts";
import { scheduleOf } from "./schedule.ts";
import { groupByModel, groupByReads, joinReads, type SourceReading } from "./sources.ts";
import { stagingReads } from "./staging-reads.ts";
import type { TeamFacts } from "./teams.ts";

/** What steps are made from: a config's tables, schedules and step lengths, worked out once. */
export interface Described {
  readonly config: Config;
  readonly team: TeamFacts;
  readonly findings: Findings;
  /** Its output table; upload tables are named after it. */
  readonly output: string;
  /** Partition column and format of what it writes. */
  readonly column: string;
  readonly format: PartitionFormat;
  readonly reads: readonly Read[];
  readonly online: boolean;
  readonly uploadSchedule: string | null;
  readonly backfillSchedule: string | null;
  readonly backfillDays: number;
  /** The team wants the backfill of a day before its upload. */
  readonly backfillFirst: boolean;
  /** Its metadata is uploaded by a job of Chronon's. */
  readonly metadataByJob: boolean;
  /** Null: no consistency of it is to be checked. */
  readonly consistency: Consistency | Unchecked | null;
}

/** Everything but models can be described. */
export type Runnable = Extract<Config, { confType: "group_bys" | "joins" | "staging_queries" }>;

/** Works out what steps need; null when its output cannot be named. What is wrong is found. */
export function describe(
  config: Runnable,
  { team, settings, findings }: { team: TeamFacts; settings: Settings; findings: Findings },
): Described | null {
  const { metaData } = config;
  const format = formatOf(
    sparkConf(metaData, team, "spark.chronon.partition.format") ?? "yyyy-MM-dd",
    findings,
  );
  const column = sparkConf(metaData, team, "spark.chronon.partition.column") ?? "ds";
  const outputOf: SourceReading["outputOf"] = (of, what) =>
    outputTable(of ?? {}, { what, namespace: team.namespace, findings });
  const reading: SourceReading = { column, format, findings, outputOf };
  const reads = readsOf(config, reading);
  const output = outputOf(metaData, "it");
  if (output === null) return null;
  const online = config.confType === "group_bys" && metaData.online === true;
  const backfillFirst = online && own(settings.teams, config.team)?.backfillBeforeUpload === true;
  const uploadSchedule = online
    ? scheduleOf(metaData.executionInfo?.onlineSchedule ?? "@daily", findings)
    : null;
  const backfillSchedule = backfillScheduleOf(config, findings);
  return {
    config,
    team,
    findings,
    output,
    column,
    format,
    reads,
    online,
    uploadSchedule,
    backfillSchedule: backfillSchedule ?? (backfillFirst ? uploadSchedule : null),
    backfillDays: fillsEndOnly(config)
      ? 1
      : (metaData.executionInfo?.stepDays ?? defaultDays(config)),
    backfillFirst,
    metadataByJob: metadataBy(settings, config.team) === "job",
    consistency: consistencyOf(config, { team, settings, reading }),
  };
}

/**
 * Without historical backfill a join, and a GroupBy of airbnb's, fills only the last partition of the
 * range it is given (Chronon's `JoinUtils.getRangeToFill`): a range would be a promise it breaks.
 */
function fillsEndOnly({ confType, flavour, metaData }: Runnable): boolean {
  const historical =
    metaData.executionInfo?.historicalBackfill ?? metaData.historicalBackfill ?? true;
  if (historical) return false;
  return confType === "joins" || (confType === "group_bys" && flavour === "airbnb");
}

function readsOf(config: Runnable, reading: SourceReading): Read[] {
  switch (config.confType) {
    case "group_bys":
      return groupByReads(config.body, reading);
    case "joins":
      return joinReads(config.body, reading);
    case "staging_queries":
      return stagingReads(config.body, reading);
  }
}

/**
 * When a config's output is filled day by day. A GroupBy of the old schema asks for it by
 * `backfillStartDate` (its `offlineSchedule` is `@daily` by default and means nothing), of the new
 * one by an offline schedule; a join by an offline schedule, in airbnb's `@daily` unless said
 * otherwise; a staging query always, unless `@never`.
 */
function backfillScheduleOf(config: Runnable, findings: Findings): string | null {
  const { offlineSchedule, executionInfo } = config.metaData;
  const written =
    executionInfo?.offlineSchedule ?? executionInfo?.scheduleCron ?? offlineSchedule ?? null;
  switch (config.confType) {
    case "group_bys": {
      if (config.schema === "new") return scheduleOf(written, findings);
      const format = "yyyy-MM-dd";
      const what = "backfillStartDate";
      const start = dateOf(config.body.backfillStartDate, { what, format, findings });
      return start === null ? null : scheduleOf(written ?? "@daily", findings);
    }
    case "joins":
      return scheduleOf(written ?? (config.flavour === "airbnb" ? "@daily" : null), findings);
    case "staging_queries":
      return scheduleOf(written ?? "@daily", findings);
  }
}

/** `GroupByPlanner`, `MonolithJoinPlanner` and `StagingQueryPlanner`; airbnb's `--step-days`. */
function defaultDays(config: Runnable): number {
  if (config.flavour === "airbnb") return 30;
  return config.confType === "group_bys" && groupByModel(config.body) === "events" ? 15 : 1;
}

/** `MetaDataOps.outputTable`: what zipline was told, else `<namespace>.<sanitized name>`. */
function outputTable(
  metaData: MetaData,
  { what, namespace, findings }: { what: string; namespace: string | null; findings: Findings },
): string | null {
  const told = metaData.executionInfo?.outputTableInfo?.table;
  if (told !== null && told !== undefined) return tableName(told, findings);
  const { name } = metaData;
  const into = metaData.outputNamespace ?? namespace;
  if (name === null || name === undefined || name === "") {
    findings.error(
      `${what} has no metaData.name, so its output table is not known; give it a name`,
    );
    return null;
  }
  if (into === null) {
    findings.error(
      `${what} has no outputNamespace and its team no namespace, so its output table is not known`,
    );
    return null;
  }
  return tableName(`${into}.${sanitize(name)}`, findings);
}

/** A Spark setting of the conf, else of its team, else of the default team. */
function sparkConf(metaData: MetaData, team: TeamFacts, key: string): string | null {
  const infos = [...team.executionInfos, metaData.executionInfo ?? {}].reverse();
  for (const info of infos) {
    const common = info.conf?.common ?? {};
    const value: unknown = Object.hasOwn(common, key) ? common[key] : null;
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}
