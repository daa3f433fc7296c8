import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import type { RehearsalEnding, RehearsalJob } from "../rehearsal/job.ts";
import type { Database } from "./database.ts";

export const rehearsalPart = {
  name: "rehearsal",
  version: 2,
  schema: `
    CREATE TABLE jobs (
      job_id TEXT PRIMARY KEY NOT NULL,
      labels TEXT NOT NULL,
      spec TEXT,
      started_at INTEGER NOT NULL,
      due_at INTEGER,
      ending TEXT,
      cancelled INTEGER NOT NULL DEFAULT 0,
      owner TEXT,
      forgotten INTEGER NOT NULL DEFAULT 0,
      change INTEGER NOT NULL
    );
    CREATE INDEX jobs_changed ON jobs (change) WHERE forgotten = 0;
    CREATE INDEX jobs_going ON jobs (owner) WHERE ending IS NULL;
    CREATE TABLE changes (n INTEGER NOT NULL);
    INSERT INTO changes VALUES (0)`,
} as const;

export interface ChangedJob {
  readonly status: JobStatus;
  readonly cancelled: boolean;
  /** Grows with every change of any job. */
  readonly change: number;
}

/**
 * The jobs of a rehearsal in a SQLite file. Of a job that was forgotten only the id and labels
 * stay, so that it is never begun again. All but the reads must be called within a write
 * transaction.
 */
export interface RehearsalTable {
  /** Null when it was not there; else the task, run and attempt the id belongs to. */
  insert(job: RehearsalJob, owner: string | null): Labels | null;
  /** False when it had ended before. */
  end(jobId: string, ending: RehearsalEnding): boolean;
  /** False when there is no such job. */
  cancel(jobId: string): boolean;
  forget(jobIds: readonly string[]): void;
  /** Jobs that are not forgotten and changed after `change`, oldest change first. */
  changedAfter(change: number): readonly ChangedJob[];
  /** A job, forgotten or not. */
  find(jobId: string): JobStatus | null;
  /** Ids and labels of jobs that have not ended. */
  open(): readonly (Labels & { readonly jobId: string })[];
  /** Whoever is to do the jobs that have not ended; null: nobody is. */
  owners(): readonly (string | null)[];
  /** Whether there are jobs that nobody is to do. */
  hasOrphans(): boolean;
  /** Makes what one owner was to do another's. */
  adopt(from: string | null, to: string): readonly RehearsalJob[];
  release(owner: string): void;
}

export type Labels = Pick<JobStatus, "task" | "run" | "attempt">;

type Row = readonly [
  jobId: string,
  labels: string,
  startedAt: number,
  ending: string | null,
  cancelled: number,
  change: number,
];

const columns = "job_id, labels, started_at, ending, cancelled, change";
const orphan = "SELECT 1 FROM jobs WHERE owner IS NULL AND ending IS NULL LIMIT 1";

export function rehearsalTable(database: Database): RehearsalTable {
  const statement: Database["statement"] = (sql) => database.statement(sql);
  const change = () =>
    statement<[number]>("UPDATE changes SET n = n + 1 RETURNING n").get()?.[0] ?? 0;

  return {
    insert({ spec, startedAt, dueAt }, owner) {
      const { jobId, task, run, attempt } = spec;
      const labels = JSON.stringify({ task, run, attempt });
      const inserted = statement(
        `INSERT INTO jobs (job_id, labels, spec, started_at, due_at, owner, change)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      ).run(jobId, labels, JSON.stringify(spec), startedAt, dueAt, owner, change());
      if (inserted > 0) return null;
      const there = statement<[string]>("SELECT labels FROM jobs WHERE job_id = ?").get(jobId);
      return JSON.parse(there?.[0] ?? "{}") as Labels;
    },
    end: (jobId, ending) =>
      statement(
        "UPDATE jobs SET ending = ?, owner = NULL, change = ? WHERE job_id = ? AND ending IS NULL",
      ).run(JSON.stringify(ending), change(), jobId) > 0,
    cancel(jobId) {
      const open = "job_id = ? AND ending IS NULL AND cancelled = 0";
      statement(`UPDATE jobs SET cancelled = 1, change = ? WHERE ${open}`).run(change(), jobId);
      return statement<[number]>("SELECT 1 FROM jobs WHERE job_id = ?").get(jobId) !== undefined;
    },
    forget(jobIds) {
      const forgotten = statement(
        "UPDATE jobs SET forgotten = 1, spec = NULL WHERE job_id = ? AND ending IS NOT NULL",
      );
      for (const jobId of jobIds) forgotten.run(jobId);
    },
    changedAfter: (after) =>
      statement<Row>(
        `SELECT ${columns} FROM jobs
         WHERE forgotten = 0 AND change > ? ORDER BY change`,
      )
        .all(after)
        .map(changedJob),
    ...lookUps({ statement }),
    owners: () =>
      statement<[string | null]>("SELECT DISTINCT owner FROM jobs WHERE ending IS NULL")
        .all()
        .map(([owner]) => owner),
    adopt: (from, to) =>
      statement<[string, number, number | null, number]>(
        `UPDATE jobs SET owner = ? WHERE owner IS ? AND ending IS NULL
         RETURNING spec, started_at, due_at, cancelled`,
      )
        .all(to, from)
        .map(([spec, startedAt, dueAt, cancelled]) => ({
          spec: JSON.parse(spec) as JobSpec,
          startedAt,
          dueAt,
          cancelled: cancelled === 1,
        })),
    release(owner) {
      statement("UPDATE jobs SET owner = NULL WHERE owner = ? AND ending IS NULL").run(owner);
    },
  };
}

function lookUps({
  statement,
}: Pick<Database, "statement">): Pick<RehearsalTable, "find" | "open" | "hasOrphans"> {
  return {
    hasOrphans: () => statement(orphan).get() !== undefined,
    find(jobId) {
      const row = statement<Row>(`SELECT ${columns} FROM jobs WHERE job_id = ?`).get(jobId);
      return row === undefined ? null : changedJob(row).status;
    },
    open: () =>
      statement<[string, string]>("SELECT job_id, labels FROM jobs WHERE ending IS NULL")
        .all()
        .map(([jobId, labels]) => ({ jobId, ...(JSON.parse(labels) as Labels) })),
  };
}

function changedJob([jobId, labels, startedAt, ending, cancelled, change]: Row): ChangedJob {
  const shared = { jobId, ...(JSON.parse(labels) as Labels), startedAt, log: null };
  const end = ending === null ? null : (JSON.parse(ending) as RehearsalEnding);
  return {
    status:
      end === null
        ? { ...shared, state: "running", endedAt: null, error: null, blame: "job" }
        : { ...shared, ...end },
    cancelled: cancelled === 1,
    change,
  };
}
