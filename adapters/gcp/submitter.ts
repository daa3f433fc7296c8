import type { Clock } from "../../ports/clock.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobSpec, SubmitAnswer } from "../../ports/job-runner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { DataprocSettings } from "../../schemas/dataproc.ts";
import type { ClusterKeeper } from "./cluster-keeper.ts";
import type { DataprocCalls } from "./dataproc-calls.ts";
import { CODE, codeOf, retryable, saidBy } from "./dataproc-errors.ts";
import { isOfAttempt, type Labels } from "./dataproc-labels.ts";
import { type DataprocRequest, dataprocRequest } from "./dataproc-request.ts";
import { seenBatch, seenJob } from "./dataproc-status.ts";
import type { FleetWatch } from "./fleet-watch.ts";
import type { Fleet } from "./fleets.ts";

/** What submitting needs of a region. */
export interface Region {
  readonly name: string;
  readonly calls: DataprocCalls;
  readonly jobs: Watched;
  /** Null when no profile runs jobs Serverless. */
  readonly batches: Watched | null;
  readonly clusters: ClusterKeeper;
}

interface Watched {
  readonly fleet: Fleet;
  readonly watch: FleetWatch;
}

export interface Submitting {
  readonly settings: DataprocSettings;
  readonly deployment: string;
  readonly clock: Clock;
  readonly configs?: ObjectStore;
  readonly regions: readonly Region[];
}

/** Submits attempts: each call is one request to Dataproc, or none while its cluster is made. */
export function submitter(submitting: Submitting): JobRunner["submit"] {
  const found = new Set<string>();
  return async (spec) => {
    if (!/^[a-z0-9-]{4,63}$/.test(spec.jobId)) return refusal(`"${spec.jobId}" is not a job id`);
    const made = dataprocRequest(submitting, spec, submitting.clock.now());
    if ("refused" in made) return refusal(made.refused);
    const missing = await missingConf(submitting, spec, found);
    if (missing !== null) return refusal(missing);
    const region = submitting.regions.find(({ name }) => name === made.placement.region);
    if (region === undefined) return refusal(`region ${made.placement.region} is not watched`);
    return made.kind === "job" ? submitJob(region, spec, made) : submitBatch(region, spec, made);
  };
}

function refusal(reason: string): SubmitAnswer {
  return { kind: "refused", reason };
}

/** Confs are named by their content: one that was there once is there. */
async function missingConf(
  { configs }: Submitting,
  { conf }: JobSpec,
  found: Set<string>,
): Promise<string | null> {
  if (configs === undefined || found.has(conf)) return null;
  try {
    if ((await configs.read(conf)) === null) {
      return `${conf} is not in the configs store; release the configs again`;
    }
  } catch (cause) {
    if (cause instanceof PermanentError) return `its conf cannot be read: ${cause.message}`;
    throw cause;
  }
  found.add(conf);
  return null;
}

type JobRequest = Extract<DataprocRequest, { kind: "job" }>;
type BatchRequest = Extract<DataprocRequest, { kind: "batch" }>;

async function submitJob(region: Region, spec: JobSpec, made: JobRequest): Promise<SubmitAnswer> {
  const { calls, jobs, clusters } = region;
  const { name, make } = made.cluster;
  if (make !== null) {
    const refused = await clusters.ready(name, make.config);
    if (refused !== null) return refusal(refused.refused);
  }
  try {
    const seen = seenJob(await calls.submitJob(made.request));
    if (seen !== null) jobs.watch.know(seen);
    return { kind: "accepted" };
  } catch (cause) {
    switch (codeOf(cause)) {
      case CODE.alreadyExists:
        return there(spec, async () => {
          const job = await calls.getJob(spec.jobId);
          return { labels: job.labels ?? {}, known: () => knowing(jobs, seenJob(job)) };
        });
      case CODE.notFound:
        if (make === null) return refusal(noCluster(name, region.name));
        clusters.lost(name);
        throw new RetryableError(`cluster ${name} was deleted; it is made again`, { cause });
      case CODE.failedPrecondition:
        if (make !== null) clusters.lost(name);
        throw new RetryableError(`cluster ${name} takes no jobs now (${saidBy(cause)})`, { cause });
      default:
        return notSubmitted(cause, spec);
    }
  }
}

function noCluster(name: string, region: string): string {
  return `cluster ${name} does not exist in ${region}: create it, or change SPARK_CLUSTER_NAME`;
}

async function submitBatch(
  { calls, batches }: Region,
  spec: JobSpec,
  { request }: BatchRequest,
): Promise<SubmitAnswer> {
  try {
    await calls.createBatch(request);
    const name = `${request.parent}/batches/${spec.jobId}`;
    knowing(batches, seenBatch({ ...request.batch, name, state: "PENDING" }));
    return { kind: "accepted" };
  } catch (cause) {
    if (codeOf(cause) !== CODE.alreadyExists) return notSubmitted(cause, spec);
    return there(spec, async () => {
      const batch = await calls.getBatch(spec.jobId);
      return { labels: batch.labels ?? {}, known: () => knowing(batches, seenBatch(batch)) };
    });
  }
}

function knowing(watched: Watched | null, seen: ReturnType<typeof seenJob>): void {
  if (seen !== null) watched?.watch.know(seen);
}

/** An id that is taken: by this attempt, or by something else. */
async function there(
  spec: JobSpec,
  get: () => Promise<{ readonly labels: Labels; known(): void }>,
): Promise<SubmitAnswer> {
  let found: Awaited<ReturnType<typeof get>>;
  try {
    found = await get();
  } catch (cause) {
    throw retryable(`job ${spec.jobId} exists and cannot be looked at`, cause);
  }
  if (!isOfAttempt(found.labels, spec)) {
    return refusal(
      `job ${spec.jobId} exists and is not this attempt's: its labels name another; delete it, or name another deployment`,
    );
  }
  found.known();
  return { kind: "exists" };
}

function notSubmitted(cause: unknown, { jobId }: JobSpec): SubmitAnswer {
  switch (codeOf(cause)) {
    case CODE.invalidArgument:
    case CODE.outOfRange:
    case CODE.unimplemented:
      return refusal(`Dataproc does not take the job: ${saidBy(cause)}`);
    case CODE.permissionDenied:
      return refusal(
        `Landfall's service account may not submit jobs (${saidBy(cause)}): give it roles/dataproc.editor and the use of the job's service account`,
      );
    case CODE.notFound:
      return refusal(`Dataproc does not find what the job needs: ${saidBy(cause)}`);
    case CODE.resourceExhausted:
    case CODE.unauthenticated:
      throw retryable(`job ${jobId} was not taken`, cause);
    default:
      throw retryable(`job ${jobId} may or may not have been taken`, cause);
  }
}
