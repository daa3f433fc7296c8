import type { DataprocCalls, Job } from "../../adapters/gcp/dataproc-calls.ts";
import { CODE } from "../../adapters/gcp/dataproc-errors.ts";
import type { SimulatedTime } from "../../adapters/simulated/clock.ts";
import type { JobRunner, JobSpec, JobStatus } from "../../ports/job-runner.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { Denial, exists, notFound, precondition } from "../support/dataproc/errors.ts";
import { jobFilter } from "../support/dataproc/labels.ts";
import type { DataprocWorkload } from "./cloud-workload.ts";
import type { Faults } from "./faults.ts";
import { answered, call, type Life, never } from "./life.ts";

/** Dataproc in one region, as its API shows the jobs that truly run. */
export interface SimulatedDataproc {
  /** Told of every job, whoever began it, when it is taken and when it has ended. */
  told(spec: JobSpec, status: JobStatus): void;
  /** What a request for this job would run: a request itself only names it. */
  expect(spec: JobSpec): void;
  /** The API as one process reaches it. */
  calls(life: Life): DataprocCalls;
}

export interface SimulatedDataprocOptions {
  readonly workload: DataprocWorkload;
  readonly faultsEnd: EpochMs;
  readonly time: SimulatedTime;
  readonly faults: Faults;
  /** Where jobs run. */
  readonly runner: JobRunner;
}

interface Kept {
  readonly spec: JobSpec;
  labels: Record<string, string>;
  status: JobStatus;
  readonly takenAt: EpochMs;
  /** Lists are behind: until then none shows it. */
  readonly shownFrom: EpochMs;
  /** Processes whose last list lacked it; their next one does not. */
  readonly lackedBy: Set<string>;
}

interface Dataproc extends SimulatedDataprocOptions {
  readonly jobs: Map<string, Kept>;
  readonly expected: Map<string, JobSpec>;
  /** Labels of what is being taken. */
  readonly labels: Map<string, Record<string, string>>;
}

type Request = Parameters<DataprocCalls["submitJob"]>[0];

export function simulatedDataproc(options: SimulatedDataprocOptions): SimulatedDataproc {
  const { time, faults } = options;
  const dataproc: Dataproc = {
    ...options,
    jobs: new Map(),
    expected: new Map(),
    labels: new Map(),
  };
  const { jobs, expected, labels } = dataproc;
  return {
    expect: (spec) => void expected.set(spec.jobId, spec),
    told(spec, status) {
      const kept = jobs.get(spec.jobId);
      if (kept !== undefined) kept.status = status;
      else {
        const where = `lists for the job of ${spec.task} run ${spec.run} attempt ${spec.attempt}`;
        const lateMs = faults.strikes("list-behind", where) ? faults.drawn(where, 1, behindMs) : 0;
        const takenAt = time.now();
        jobs.set(spec.jobId, {
          spec,
          labels: labels.get(spec.jobId) ?? { "job-type": "flink" },
          status,
          takenAt,
          shownFrom: takenAt + lateMs,
          lackedBy: new Set(),
        });
      }
    },
    calls: (life) => callsOf(dataproc, life),
  };
}

/** Less than what a job must be missing for to count as deleted. */
const behindMs = 20_000;
/** After so long the client gives a call up; what is late arrives before. */
const deadlineMs = 20_000;

function callsOf(dataproc: Dataproc, life: Life): DataprocCalls {
  const asking = <T>(what: string, effect: () => Promise<T>) =>
    call(life, { what, port: "runner", effect });
  return {
    submitJob: (request) => submitted(dataproc, life, request),
    getJob: (jobId) =>
      asking(`looking at job ${jobId}`, async () => {
        const { workload, time, faultsEnd } = dataproc;
        if (workload.onlyLists && time.now() < faultsEnd) {
          throw new Denial(CODE.permissionDenied, "Permission 'dataproc.jobs.get' denied");
        }
        return jobOf(found(dataproc, jobId));
      }),
    listJobs: (filter) => lookedFor(dataproc, life, filter),
    cancelJob: (jobId) =>
      call(life, {
        what: `cancelling job ${jobId}`,
        port: "runner",
        effect: async () => {
          spend(dataproc);
          const { status } = found(dataproc, jobId);
          if (isOver(status)) throw precondition("The job has ended and cannot be cancelled");
          await dataproc.runner.cancel(jobId);
        },
        lost: "cancel-answer-lost",
      }),
    labelJob: (jobId, labels) =>
      asking(`labelling job ${jobId}`, async () => {
        spend(dataproc);
        found(dataproc, jobId).labels = { ...labels };
      }),
    ...nobodyCalls,
    close: async () => {},
  };
}

/** All jobs are on one cluster that somebody else made. */
const nobodyCalls = {
  createBatch: unasked,
  getBatch: unasked,
  listBatches: unasked,
  cancelOperation: unasked,
  getCluster: unasked,
  createCluster: unasked,
  deleteCluster: unasked,
};

async function unasked(): Promise<never> {
  throw new Error("nobody calls that");
}

function submitted(dataproc: Dataproc, life: Life, request: Request): Promise<Job> {
  const { faults, time, expected } = dataproc;
  const spec = expected.get(request.job?.reference?.jobId ?? "");
  if (spec === undefined) throw new Error("a request for a job that nobody expects");
  const what = `submitting ${spec.task} run ${spec.run} attempt ${spec.attempt}`;
  const where = `${life.name}: ${what}`;
  return call(life, {
    what,
    port: "runner",
    async effect() {
      if (!faults.strikes("submit-late", where)) return taken(dataproc, spec, request);
      const arrivesAt = time.now() + faults.drawn(where, 1_000, deadlineMs - 1);
      time.at(arrivesAt, () => void taken(dataproc, spec, request).catch(() => {}));
      await time.sleep(deadlineMs);
      throw new Denial(CODE.deadlineExceeded, "Deadline exceeded");
    },
    lost: "submit-answer-lost",
  });
}

async function taken(dataproc: Dataproc, spec: JobSpec, { job }: Request): Promise<Job> {
  const { jobs, labels, runner } = dataproc;
  spend(dataproc);
  if (jobs.has(spec.jobId)) throw exists(`Job ${spec.jobId}`);
  labels.set(spec.jobId, { ...job?.labels });
  try {
    await runner.submit(spec);
  } catch {
    throw usedUp();
  }
  return jobOf(found(dataproc, spec.jobId));
}

/** Every operation on a job counts against one quota. */
function spend({ workload, time }: Dataproc): void {
  const now = time.now();
  if (workload.usedUp.some(({ from, until }) => from <= now && now < until)) throw usedUp();
}

function usedUp(): Denial {
  return new Denial(CODE.resourceExhausted, "Quota exceeded for quota metric 'Job operations'");
}

function found({ jobs }: Dataproc, jobId: string): Kept {
  const kept = jobs.get(jobId);
  if (kept === undefined) throw notFound(`Job ${jobId}`);
  return kept;
}

/** Looks are many, so they are no place to die at: what they lead to is. */
async function lookedFor(dataproc: Dataproc, life: Life, filter: string): Promise<Job[]> {
  const { name, place } = life;
  if (!life.alive) return never();
  if (place.isOut("runner")) throw new Denial(CODE.unavailable, "The service is unavailable");
  const jobs = listed(dataproc, life, filter);
  await answered(life, `${name}: listing jobs`);
  return jobs;
}

function listed(dataproc: Dataproc, life: Life, filter: string): Job[] {
  const fits = jobFilter(filter);
  const now = dataproc.time.now();
  return [...dataproc.jobs.values()]
    .filter(({ labels, status }) => fits(labels, !isOver(status)))
    .filter((kept) => kept.shownFrom <= now && !isLacking(dataproc, life, kept))
    .map(jobOf);
}

/** A list may lack a job that is there, once. */
function isLacking(
  { faults }: Dataproc,
  { name }: Life,
  { spec, status, lackedBy }: Kept,
): boolean {
  if (isOver(status) || lackedBy.delete(name)) return false;
  if (!faults.strikes("list-lacks", `${name}: a list, the job of ${spec.task}`)) return false;
  lackedBy.add(name);
  return true;
}

function isOver({ state }: JobStatus): boolean {
  return state !== "pending" && state !== "running";
}

function jobOf({ spec, labels, status, takenAt }: Kept): Job {
  const history = historyOf(status, takenAt);
  return {
    reference: { jobId: spec.jobId },
    labels,
    status: history.at(-1) ?? null,
    statusHistory: history.slice(0, -1),
    ...(spec.mode === "streaming" ? { flinkJob: { args: [`--groupby-name=${spec.config}`] } } : {}),
  };
}

type State = NonNullable<Job["statusHistory"]>[number];

/** The states a job was in; one that was lost says what Dataproc says when an agent is gone. */
function historyOf(status: JobStatus, takenAt: EpochMs): State[] {
  const at = (name: string, when: EpochMs | null, more: State = {}): State => ({
    state: name as "PENDING",
    stateStartTime: timestamp(when ?? takenAt),
    ...more,
  });
  const pending = at("PENDING", takenAt);
  const running = at("RUNNING", status.startedAt);
  const ended = (name: string) => at(name, status.endedAt, { details: status.error });
  switch (status.state) {
    case "pending":
      return [pending];
    case "running":
      return [pending, running];
    case "succeeded":
      return [pending, running, ended("DONE")];
    case "failed":
      return status.blame === "job"
        ? [pending, running, ended("ERROR")]
        : [pending, ended("ERROR")];
    case "cancelled":
      return [pending, running, ended("CANCELLED")];
    case "timed-out":
      return [pending, running, at("CANCEL_STARTED", status.endedAt), ended("CANCELLED")];
    case "vanished":
      return [
        pending,
        running,
        at("RUNNING", status.startedAt, { substate: "STALE_STATUS" }),
        ended("ERROR"),
      ];
  }
}

function timestamp(at: EpochMs) {
  return { seconds: Math.floor(at / 1_000), nanos: (at % 1_000) * 1_000_000 };
}
