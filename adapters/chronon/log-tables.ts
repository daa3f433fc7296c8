import type { JobSpec } from "../../ports/job-runner.ts";
import { type Refusal, refused } from "../refusal.ts";

/** Where a log-flattener finds what fetchers logged. */
export interface LogTables {
  readonly log: string;
  readonly schemas: string;
}

/** The tables that a job's conf, else the settings called `named`, name. */
export function logTablesOf(
  { env }: Pick<JobSpec, "env">,
  settings: { readonly logTable?: string; readonly schemaTable?: string },
  named: string,
): LogTables | Refusal {
  const log = env["CHRONON_LOG_TABLE"] || settings.logTable;
  const schemas = env["CHRONON_SCHEMA_TABLE"] || settings.schemaTable;
  if (log !== undefined && schemas !== undefined) return { log, schemas };
  return refused(
    `the tables of logged requests are not known: set CHRONON_LOG_TABLE and CHRONON_SCHEMA_TABLE in the conf, or logTable and schemaTable in Landfall's ${named} settings`,
  );
}
