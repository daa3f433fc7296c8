import type { Join } from "../../schemas/chronon/features.ts";
import type { MetaData } from "../../schemas/chronon/metadata.ts";
import type { TableName } from "../../schemas/ids.ts";
import type { Settings } from "../../schemas/settings.ts";
import { own } from "../own.ts";
import type { Config } from "./config-file.ts";
import { type Environment, environmentOf } from "./environment.ts";
import { type Read, readOf } from "./reads.ts";
import { comparisonReads, type SourceReading } from "./sources.ts";
import type { TeamFacts } from "./teams.ts";

/** What the steps of a join's consistency check are made from. */
export interface Consistency {
  /** What the fetchers logged, and the schemas they logged it by. */
  readonly log: readonly Read[];
  /** What the join is computed from again. */
  readonly sources: readonly Read[];
  /** Tells the log-flattener the tables that its step waits for, whoever named them. */
  readonly env: Environment;
  /** Whether building the comparison table is a step of its own. */
  readonly comparisonStep: boolean;
}

/** A log's day is in this column: Chronon says so in code, whatever a team's own column is called. */
export const logColumn = "ds";

const nobodySaysWhere =
  "its consistency is not checked, for where its fetchers log to is not known: set CHRONON_LOG_TABLE and CHRONON_SCHEMA_TABLE in the conf or for its team, or consistency.logTable and consistency.schemaTable in Landfall's settings";

interface Checking {
  readonly team: TeamFacts;
  readonly settings: Settings;
  readonly reading: SourceReading;
}

/** Why a check that is wanted has no steps. */
export interface Unchecked {
  readonly unchecked: string;
}

/** Null when a join is not to be checked, or a check would do nothing. */
export function consistencyOf(config: Config, checking: Checking): Consistency | Unchecked | null {
  if (config.confType !== "joins" || !isChecked(config)) return null;
  const { team, settings, reading } = checking;
  const { findings } = reading;
  const env = environmentOf(config, { mode: "log-flattener", team, settings, findings });
  const log = tableOf(env["CHRONON_LOG_TABLE"], settings.consistency.logTable);
  const schemas = tableOf(env["CHRONON_SCHEMA_TABLE"], settings.consistency.schemaTable);
  if (log === null || schemas === null) return { unchecked: nobodySaysWhere };
  const reads = [log, schemas].map((table) => ofTheDay(table, reading));
  if (reads.some((read) => read.length === 0)) return null;
  return {
    log: reads.flat(),
    sources: comparisonReads(config.body as Join, reading),
    env: { CHRONON_LOG_TABLE: log, CHRONON_SCHEMA_TABLE: schemas },
    comparisonStep: config.flavour === "zipline" && hasComparison(config.team, settings),
  };
}

/** The read of a table of logged requests: of each day, that day. */
function ofTheDay(table: TableName, reading: SourceReading): Read[] {
  return readOf({ table, start: null, end: null }, { ...reading, column: logColumn });
}

/**
 * Whether a check of a join would do something. Jobs of joins that log nothing, or compare nothing,
 * exit 0 at once. Without a `consistencySamplePercent` zipline's compares nothing and airbnb's all;
 * airbnb's joins all have one and ask for the check beside it.
 */
function isChecked({ flavour, metaData }: Config): boolean {
  const { online, samplePercent, consistencySamplePercent } = metaData;
  if (online !== true || (samplePercent ?? 0) <= 0) return false;
  const asked = askedFor(metaData);
  if (flavour === "zipline") return asked !== false && (consistencySamplePercent ?? 0) > 0;
  return asked === true && (consistencySamplePercent ?? 100) > 0;
}

function askedFor({ consistencyCheck, customJson }: MetaData): boolean | null {
  if (consistencyCheck !== null && consistencyCheck !== undefined) return consistencyCheck;
  if (typeof customJson !== "string") return null;
  try {
    const { check_consistency: asked } = JSON.parse(customJson) as Record<string, unknown>;
    return typeof asked === "boolean" ? asked : null;
  } catch {
    return null;
  }
}

function tableOf(inConf: string | undefined, inSettings: string | undefined): string | null {
  return inConf || inSettings || null;
}

function hasComparison(team: string, { consistency, teams }: Settings): boolean {
  return own(teams, team)?.comparisonStep ?? consistency.comparisonStep;
}
