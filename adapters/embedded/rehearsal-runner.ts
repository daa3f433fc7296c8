import { interval, Observable, Subject, Subscription } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner, JobSpec, JobStatus, SubmitAnswer } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import { rehearsalLake } from "../rehearsal/lake.ts";
import { streamOfTask } from "../rehearsal/stream.ts";
import { durationMsOf, type RehearsalWorld } from "../rehearsal/world.ts";
import { type BatchedWrite, batchedWrites } from "./batched-writes.ts";
import { buryIfDead, newOwner, type Owner } from "./bus-owner.ts";
import { type Database, openDatabase } from "./database.ts";
import { type GoingJobs, goingJobs } from "./rehearsal-going.ts";
import { type RehearsalTable, rehearsalPart, rehearsalTable } from "./rehearsal-table.ts";

export interface RehearsalRunnerOptions {
  /** Its durable table of jobs; several runners may share it. */
  readonly file: string;
  readonly behaviour: RehearsalBehaviour;
  readonly lake: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly clock: Clock;
  /** Where streams leave their state. */
  readonly flinkState?: ObjectStore;
  /** Where the compiled confs lie, for the serving info rows; without it they hold names only. */
  readonly configs?: ObjectStore;
  /** Where tables lie that are not where their names say. */
  readonly tables?: Settings["tables"];
  readonly log?: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/**
 * Behaves as Chronon's driver does, silences included, without a driver: `adapters/rehearsal/driver.ts`.
 * What a job writes is real: Delta commits with stats, rows of the online store.
 *
 * - R1 A job is a row of its table before `submit` answers, and a row is inserted once.
 * - R2 It is done by its owner, an opening that is asked for statuses: that one itself, when the job
 *   was submitted there, else whichever finds it first. Whoever only submits does no job's work.
 *   What a dead or closed owner leaves undone is taken up by another.
 * - R3 A job that is done twice commits once: its commits carry its id as their transaction.
 */
export function rehearsalRunner(options: RehearsalRunnerOptions): JobRunner {
  const rehearsal = opened(options);
  const { table, write, changes } = rehearsal;
  return {
    submit: (spec) => submit(rehearsal, spec),
    cancel: async (jobId) => ((await write(() => table.cancel(jobId))) ? "asked" : "unknown"),
    statuses: () =>
      new Observable((out) => {
        const owner = begin(rehearsal);
        rehearsal.watched = true;
        guarded(rehearsal, () => {
          tell(rehearsal);
          adopt(rehearsal, owner);
        });
        for (const { status } of table.changedAfter(0)) out.next(status);
        return changes.subscribe(out);
      }),
    lanes: () => [],
    look: async () => {},
    streams: {
      running: async () =>
        table.open().flatMap(({ jobId, task }) => streamOfTask(jobId, task) ?? []),
      find: async (jobId) => table.find(jobId),
    },
    async forget(jobIds) {
      if (jobIds.length > 0) await write(() => table.forget(jobIds));
    },
    close() {
      rehearsal.closing ??= closed(rehearsal);
      return rehearsal.closing;
    },
  };
}

interface Rehearsal {
  readonly options: RehearsalRunnerOptions;
  readonly database: Database;
  readonly table: RehearsalTable;
  readonly write: BatchedWrite;
  readonly going: GoingJobs;
  readonly changes: Subject<JobStatus>;
  readonly polling: Subscription;
  /** Set once it has something to do or to watch. */
  owner: Owner | null;
  /** Somebody watches statuses here: jobs are done here, those that others left undone included. */
  watched: boolean;
  /** A write failed: rows of its own may be there that it does not know of. */
  doubtful: boolean;
  /** The newest change that was told. */
  told: number;
  dataVersion: number;
  closing: Promise<void> | null;
}

function opened(options: RehearsalRunnerOptions): Rehearsal {
  const { file, lake, keyValueStore, clock, behaviour, configs = null, tables = {} } = options;
  const world: RehearsalWorld = {
    lake: rehearsalLake(lake, tables),
    keyValueStore,
    configs,
    ...(options.flinkState === undefined ? {} : { flinkState: options.flinkState }),
    clock,
    behaviour,
  };
  const database = openDatabase(file, rehearsalPart);
  const table = rehearsalTable(database);
  const write = batchedWrites(database, () => guarded(rehearsal, () => tell(rehearsal)));
  const going = goingJobs(world, async (job, ending) => {
    const { jobId, task } = job.spec;
    await write(() => table.end(jobId, ending));
    options.log?.info({ jobId, task, ...ending }, `rehearsal: ${task} ${ending.state}`);
  });
  const rehearsal: Rehearsal = {
    options,
    database,
    table,
    write,
    going,
    changes: new Subject(),
    polling: new Subscription(),
    owner: null,
    watched: false,
    doubtful: false,
    told: 0,
    dataVersion: -1,
    closing: null,
  };
  return rehearsal;
}

async function submit(rehearsal: Rehearsal, spec: JobSpec): Promise<SubmitAnswer> {
  const { options, table, write, going } = rehearsal;
  const { jobId, task, run, attempt } = spec;
  const owner = begin(rehearsal);
  const startedAt = options.clock.now();
  const lastsMs = durationMsOf(options.behaviour, spec);
  const dueAt = lastsMs === null ? null : startedAt + lastsMs;
  const job = { spec, startedAt, dueAt, cancelled: false };
  try {
    const doer = rehearsal.watched ? owner.name : null;
    const there = await write(() => table.insert(job, doer));
    if (there === null) {
      if (doer !== null) going.take(job);
      return { kind: "accepted" };
    }
    const same = there.task === task && there.run === run && there.attempt === attempt;
    return same
      ? { kind: "exists" }
      : { kind: "refused", reason: `job ${jobId} is already that of ${there.task}` };
  } catch (cause) {
    rehearsal.doubtful = true;
    throw cause;
  }
}

async function closed({ database, table, going, ...rehearsal }: Rehearsal): Promise<void> {
  const { polling, owner, changes, write } = rehearsal;
  polling.unsubscribe();
  await going.stop();
  if (owner !== null) await write(() => table.release(owner.name));
  changes.complete();
  database.close();
  owner?.retire();
}

const pollMs = 50;
const pollsPerAdoption = 20;

/** Becomes an owner and begins to look at what other openings do. Doing it again does nothing. */
function begin(rehearsal: Rehearsal): Owner {
  const owner = rehearsal.owner ?? newOwner(rehearsal.options.file);
  if (rehearsal.owner === null) {
    rehearsal.owner = owner;
    rehearsal.polling.add(interval(pollMs).subscribe((beat) => poll(rehearsal, beat)));
  }
  return owner;
}

/** Looks for changes of other openings, and now and then for jobs that nobody does. */
function poll(rehearsal: Rehearsal, beat: number): void {
  const { database, owner } = rehearsal;
  guarded(rehearsal, () => {
    const [version = 0] = database.statement<[number]>("PRAGMA data_version").get() ?? [];
    if (version !== rehearsal.dataVersion) tell(rehearsal);
    rehearsal.dataVersion = version;
    if (owner === null) return;
    const orphans = rehearsal.watched && rehearsal.table.hasOrphans();
    if (orphans || beat % pollsPerAdoption === 0) adopt(rehearsal, owner);
  });
}

/** What fails now is done by a later poll. */
function guarded({ options }: Rehearsal, work: () => void): void {
  try {
    work();
  } catch (cause) {
    options.log?.warn({ cause: String(cause) }, "rehearsal: its jobs cannot be read; trying again");
  }
}

/** Tells every change once, in order, and ends jobs of its own that somebody cancelled. */
function tell(rehearsal: Rehearsal): void {
  const { table, changes, going } = rehearsal;
  for (const { status, cancelled, change } of table.changedAfter(rehearsal.told)) {
    rehearsal.told = change;
    if (cancelled && status.state === "running") going.cancel(status.jobId);
    changes.next(status);
  }
}

function adopt(rehearsal: Rehearsal, owner: Owner): void {
  const { database, table, going, options } = rehearsal;
  const free = table.owners().filter((name) => {
    if (name === owner.name) return rehearsal.doubtful;
    return rehearsal.watched && (name === null || buryIfDead(options.file, name));
  });
  if (free.length === 0) return;
  const jobs = database.write(() => free.flatMap((name) => table.adopt(name, owner.name)));
  rehearsal.doubtful = false;
  for (const job of jobs) going.take(job);
}
