import type { Partition } from "../../schemas/ids.ts";
import type { Team } from "../../schemas/teams.ts";
import { isPartition } from "../dates.ts";
import { type Findings, quoted } from "./findings.ts";

/** What a team's entries of `teams.json` say of its jobs, `default`'s first. */
export interface TeamSays {
  /** No task of an earlier partition is born by itself. */
  readonly startDate: Partition | null;
  /** Whom its jobs run for. */
  readonly user: string | null;
  /** Bucket that Dataproc keeps files of its jobs in, by its name. */
  readonly stagingBucket: string | null;
}

export function teamSays(entries: readonly Team[]): TeamSays {
  const last = (field: "dag_start_date" | "user" | "dataproc_staging_bucket") =>
    entries.map((entry) => entry[field] ?? null).findLast((value) => value !== null) ?? null;
  const bucket = last("dataproc_staging_bucket");
  return {
    startDate: last("dag_start_date"),
    user: last("user"),
    stagingBucket: bucket === null ? null : bucket.replace(/^gs:\/\//, "").replace(/\/+$/, ""),
  };
}

/** What an entry says by a field of its own that confs say by a variable. */
export function variablesOf({ bigtable_instance: instance }: Team): object {
  return instance === null || instance === undefined ? {} : { GCP_BIGTABLE_INSTANCE_ID: instance };
}

/** Who is told of a team's alerts; null when its entry does not say. */
export function maintainersOf({ maintainer_emails: emails }: Team): readonly string[] | null {
  if (emails === null || emails === undefined) return null;
  return typeof emails === "string" ? [emails] : emails;
}

/** Why a setting of Airflow has no effect here, and what has. */
const REFUSED: Readonly<Record<string, string>> = {
  airflow_queue:
    "Landfall has no workers to queue for: gcp.dataproc.teams says where a team's jobs run, teams.<team>.limit how many at once",
  catchup: "a new step begins with its newest complete day: landfall backfill fills older ones",
  schedule_interval: "schedules are those of the configs",
  max_active_runs: "set maxActiveRuns for the team or mode in Landfall's settings",
  concurrency: "set teams.<team>.limit or pools in Landfall's settings",
  retries: "set retries for the team or mode in Landfall's settings",
  retry_delay: "set retries for the team or mode in Landfall's settings",
  execution_timeout: "set timeoutMs for the team or mode in Landfall's settings",
  time_parts: "partition columns are those of the configs",
};

/** What is wrong with an entry beyond its shape; false when its team's configs cannot go by it. */
export function checkedEntry(name: string, entry: Team, findings: Findings): boolean {
  const team = `team ${quoted(name)}`;
  for (const [field, instead] of Object.entries(REFUSED)) {
    if (Object.hasOwn(entry, field))
      findings.warn(`${team}: ${field} has no effect: ${instead}; remove it`);
  }
  const { team_name: told, dag_start_date: start } = entry;
  if (told !== null && told !== undefined && told !== name) {
    findings.warn(
      `${team}: team_name is ${quoted(told)}, but teams go by their key; make them one`,
    );
  }
  if (start === null || start === undefined || isPartition(start)) return true;
  findings.error(`${team}: dag_start_date ${quoted(start)} is no day; write yyyy-MM-dd`);
  return false;
}
