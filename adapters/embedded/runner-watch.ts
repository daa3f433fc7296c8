import { type FSWatcher, readdirSync, rmSync, watch } from "node:fs";
import { join } from "node:path";
import { Observable, Subject, Subscription } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import { hasCode, type JobTicket, openMarker } from "./job-folder.ts";
import { endLost, lookAt } from "./job-status.ts";

export interface RunnerWatchOptions {
  readonly root: string;
  readonly clock: Clock;
  readonly pollMs: number;
  /** Environment that jobs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Starts a supervisor for a job that has none; the second of two does nothing. */
  readonly supervise: (jobId: string) => void;
  readonly warn: (fields: object, message: string) => void;
}

/** Sees how jobs get on, whoever submitted them, from their folders alone. */
export interface RunnerWatch {
  /** Begins to watch at the first subscription. */
  statuses(): Observable<JobStatus>;
  forget(jobIds: readonly string[]): void;
  close(): void;
}

/**
 * Watches `{root}/open`, where a job's marker is touched when the job moves on, and looks at every
 * open job each `pollMs`: for what no notification says, such as a supervisor's death.
 */
export function runnerWatch(options: RunnerWatchOptions): RunnerWatch {
  const { root } = options;
  const changes = new Subject<JobStatus>();
  const watching = new Subscription();
  const jobs = knownJobs(options, changes);
  let begun = false;

  const begin = (): void => {
    if (begun) return;
    begun = true;
    const watcher = watchFolder(join(root, "open"), (name) =>
      name === null ? jobs.lookAtAll() : jobs.look(name),
    );
    watching.add(() => watcher?.close());
    watching.add(options.clock.every(options.pollMs).subscribe(() => jobs.lookAtAll()));
    jobs.lookAtAll();
  };

  return {
    statuses: () =>
      new Observable((out) => {
        begin();
        for (const status of jobs.known.values()) out.next(status);
        return changes.subscribe(out);
      }),
    forget(jobIds) {
      for (const jobId of jobIds) {
        rmSync(openMarker(root, jobId), { force: true });
        jobs.known.delete(jobId);
      }
    },
    close() {
      watching.unsubscribe();
      changes.complete();
    },
  };
}

interface KnownJobs {
  readonly known: Map<string, JobStatus>;
  look(jobId: string): void;
  lookAtAll(): void;
}

function knownJobs(options: RunnerWatchOptions, changes: Subject<JobStatus>): KnownJobs {
  const { root, warn, env } = options;
  const known = new Map<string, JobStatus>();
  const burying = new Set<string>();

  const bury = async (ticket: JobTicket): Promise<void> => {
    const { jobId } = ticket;
    if (burying.has(jobId)) return;
    burying.add(jobId);
    try {
      await endLost(root, ticket, env);
      guarded(jobId);
    } catch (cause) {
      warn({ jobId, cause: String(cause) }, "a lost job could not be ended; trying again");
    } finally {
      burying.delete(jobId);
    }
  };

  const look = (jobId: string): void => {
    if (isOver(known.get(jobId)?.state)) return;
    const seen = lookAt(root, jobId);
    if (seen === null) return;
    if (seen.kind === "lost") return void bury(seen.ticket);
    if (seen.status.state === "pending") options.supervise(jobId);
    if (JSON.stringify(known.get(jobId)) === JSON.stringify(seen.status)) return;
    known.set(jobId, seen.status);
    changes.next(seen.status);
  };

  const guarded = (jobId: string): void => {
    try {
      look(jobId);
    } catch (cause) {
      warn({ jobId, cause: String(cause) }, "a job's folder could not be read; trying again");
    }
  };

  return {
    known,
    look: guarded,
    lookAtAll() {
      const open = openJobs(options);
      if (open === null) return;
      for (const jobId of known.keys()) if (!open.has(jobId)) known.delete(jobId);
      for (const jobId of open) guarded(jobId);
    },
  };
}

function isOver(state: JobStatus["state"] | undefined): boolean {
  return state !== undefined && state !== "pending" && state !== "running";
}

/** Null when they cannot be known now. */
function openJobs({ root, warn }: RunnerWatchOptions): Set<string> | null {
  try {
    return new Set(readdirSync(join(root, "open")));
  } catch (cause) {
    warn({ cause: String(cause) }, "the folder of open jobs cannot be read; trying again");
    return null;
  }
}

/** Null where the system has no watches left; then the poll alone sees what happens. */
function watchFolder(folder: string, changed: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, (_, name) => changed(name));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch (cause) {
    if (hasCode(cause, "ENOSPC", "EMFILE")) return null;
    throw cause;
  }
}
