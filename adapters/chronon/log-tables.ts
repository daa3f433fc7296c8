import type { JobSpec } from "../../ports/job-runner.ts";
import { type Refusal, refused } from "../refusal.ts";

/** Where a log-flattener finds what fetchers logged. */
export interface LogTables {
  readonly log: string;
  readonly schemas: string;
}

/** The tables that its step waited for: the plan names them in its environment. */
export function logTablesOf({ env }: Pick<JobSpec, "env">): LogTables | Refusal {
  const log = env["CHRONON_LOG_TABLE"];
  const schemas = env["CHRONON_SCHEMA_TABLE"];
  if (log && schemas) return { log, schemas };
  return refused(
    "the tables of logged requests are not known: set CHRONON_LOG_TABLE and CHRONON_SCHEMA_TABLE in the conf, or consistency.logTable and consistency.schemaTable in Landfall's settings",
  );
}
