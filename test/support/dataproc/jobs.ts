import { exists, invalid, notFound, precondition } from "./errors.ts";
import { checkLabels, jobFilter } from "./labels.ts";
import { checkProject, type Done, type Kept, type Place, pause, spend } from "./place.ts";
import { type Job, timestamp } from "./protos.ts";

type State = "PENDING" | "SETUP_DONE" | "RUNNING" | "CANCEL_PENDING" | "CANCEL_STARTED" | End;
type End = "CANCELLED" | "DONE" | "ERROR";

interface InRegion {
  readonly projectId: string;
  readonly region: string;
}

/** JobController, as far as jobs of Spark and Flink go. */
export function jobController(place: Place) {
  return {
    SubmitJob({ projectId, region, job }: InRegion & { readonly job: Job }): Job {
      checkProject(place, projectId);
      spend(place, region);
      checkJob(job);
      const id = job.reference?.jobId || `generated-${place.jobs.size + 1}`;
      if (place.jobs.has(`${region}/${id}`)) {
        throw exists(`Job projects/${projectId}/regions/${region}/jobs/${id}`);
      }
      const clusterName = job.placement?.clusterName ?? "";
      checkCluster(place, { projectId, region, clusterName });
      const kept = keep(place, region, { ...job, reference: { projectId, jobId: id } });
      void live(place, kept);
      return kept.resource;
    },
    GetJob(request: InRegion & { readonly jobId: string }): Job {
      return find(place, request).resource;
    },
    ListJobs(
      request: InRegion & {
        readonly filter: string;
        readonly pageSize: number;
        readonly pageToken: string;
      },
    ): { jobs: Job[]; nextPageToken: string } {
      checkProject(place, request.projectId);
      const fits = jobFilter(request.filter ?? "");
      const found = [...place.jobs.values()]
        .filter(({ region }) => region === request.region)
        .map(({ resource }) => resource)
        .filter((job) => fits(job.labels ?? {}, !isOver(job)))
        .reverse();
      const from = Number(request.pageToken || 0);
      const to = from + (request.pageSize || 100);
      return { jobs: found.slice(from, to), nextPageToken: to < found.length ? String(to) : "" };
    },
    CancelJob(request: InRegion & { readonly jobId: string }): Job {
      spend(place, request.region);
      const kept = find(place, request);
      if (isOver(kept.resource)) throw precondition("The job has ended and cannot be cancelled");
      become(kept, "CANCEL_PENDING");
      kept.abort.abort("cancelled");
      return kept.resource;
    },
    UpdateJob(
      request: InRegion & {
        readonly jobId: string;
        readonly job: Job;
        readonly updateMask: { readonly paths: readonly string[] };
      },
    ): Job {
      spend(place, request.region);
      const kept = find(place, request);
      if (request.updateMask.paths.join() !== "labels") throw invalid("Only labels can be updated");
      checkLabels(request.job.labels);
      kept.resource.labels = request.job.labels ?? {};
      return kept.resource;
    },
    DeleteJob(request: InRegion & { readonly jobId: string }): object {
      spend(place, request.region);
      const kept = find(place, request);
      if (!isOver(kept.resource)) throw precondition("The job is active and cannot be deleted");
      place.jobs.delete(`${request.region}/${request.jobId}`);
      return {};
    },
  };
}

function find(place: Place, { projectId, region, jobId }: InRegion & { readonly jobId: string }) {
  checkProject(place, projectId);
  const kept = place.jobs.get(`${region}/${jobId}`);
  if (kept === undefined)
    throw notFound(`Job projects/${projectId}/regions/${region}/jobs/${jobId}`);
  return kept;
}

function checkJob(job: Job): void {
  const id = job.reference?.jobId ?? "";
  if (id !== "" && !/^[a-zA-Z0-9_-]{1,100}$/.test(id)) throw invalid(`Invalid job id '${id}'`);
  checkLabels(job.labels);
  const work = job.sparkJob ?? job.flinkJob;
  if (work === null || work === undefined) throw invalid("Required field 'type_job' not specified");
  const { mainClass, mainJarFileUri, jarFileUris } = work;
  if (!mainClass && !mainJarFileUri) throw invalid("Either main class or main jar is required");
  if (mainClass && (jarFileUris ?? []).length === 0) {
    throw invalid("Jar file URIs are required with a main class");
  }
  for (const uri of [...(jarFileUris ?? []), ...(job.sparkJob?.fileUris ?? [])]) {
    if (!uri.startsWith("gs://") && !uri.startsWith("file:///"))
      throw invalid(`Invalid URI '${uri}'`);
  }
}

function checkCluster(
  place: Place,
  { projectId, region, clusterName }: InRegion & { readonly clusterName: string },
): void {
  if (clusterName === "") throw invalid("Required field 'placement.cluster_name' not specified");
  const cluster = place.clusters.get(`${region}/${clusterName}`);
  const name = `projects/${projectId}/regions/${region}/clusters/${clusterName}`;
  if (cluster === undefined) throw notFound(`Cluster ${name}`);
  const state = cluster.status?.state;
  if (state !== "RUNNING" && state !== "UPDATING" && state !== "ERROR_DUE_TO_UPDATE") {
    throw precondition(`Cluster ${name} cannot accept jobs while in state ${String(state)}`);
  }
}

function keep(place: Place, region: string, job: Job): Kept<Job> {
  const id = job.reference?.jobId ?? "";
  const cluster = job.placement?.clusterName ?? "";
  const { now } = place.options;
  const resource: Job = {
    ...job,
    status: { state: "PENDING", stateStartTime: timestamp(now()) },
    statusHistory: [],
    yarnApplications: [],
    jobUuid: `uuid-of-${id}`,
    done: false,
    driverOutputResourceUri: `gs://dataproc-staging/${cluster}/jobs/${id}/driveroutput`,
  };
  const kept: Kept<Job> = {
    resource,
    region,
    submittedAt: now(),
    now,
    abort: new AbortController(),
    starts: 0,
  };
  place.jobs.set(`${region}/${id}`, kept);
  return kept;
}

/** A job's life: set up, queued while its cluster is full, run, and what it ends as. */
async function live(place: Place, kept: Kept<Job>): Promise<void> {
  const { resource, abort } = kept;
  await pause(place);
  if (!abort.signal.aborted) become(kept, "SETUP_DONE");
  await pause(place);
  while (!abort.signal.aborted && isFull(place, kept)) {
    if (resource.status?.substate !== "QUEUED") become(kept, "RUNNING", { substate: "QUEUED" });
    await pause(place);
  }
  if (abort.signal.aborted) return cancelled(place, kept);
  become(kept, "RUNNING", { substate: "SUBMITTED" });
  kept.starts += 1;
  const work = resource.sparkJob ?? resource.flinkJob;
  const labels = resource.labels ?? {};
  const id = resource.reference?.jobId ?? "";
  const done = await Promise.race([
    place.options.work(
      { id, args: work?.args ?? [], labels, ...savepointOf(resource) },
      abort.signal,
    ),
    new Promise<null>((resolve) => abort.signal.addEventListener("abort", () => resolve(null))),
  ]);
  if (done === null) return cancelled(place, kept);
  ended(kept, done);
}

function savepointOf({ flinkJob }: Job): { readonly savepoint?: string } {
  return flinkJob?.savepointUri ? { savepoint: flinkJob.savepointUri } : {};
}

/** What YARN counted of a Spark job; the client's types end before it. */
const application: NonNullable<Job["yarnApplications"]>[number] & Record<string, unknown> = {
  name: "spark",
  state: "FINISHED",
  progress: 1,
  vcoreSeconds: 90,
  memoryMbSeconds: 368_640,
};

function ended(kept: Kept<Job>, done: Done): void {
  if (isOver(kept.resource)) return;
  if (kept.resource.sparkJob) kept.resource.yarnApplications = [application];
  if (done.ok) return become(kept, "DONE");
  if (done.lost === true) become(kept, "RUNNING", { substate: "STALE_STATUS" });
  become(kept, "ERROR", { details: done.details });
}

async function cancelled(place: Place, kept: Kept<Job>): Promise<void> {
  if (isOver(kept.resource)) return;
  become(kept, "CANCEL_STARTED");
  await pause(place);
  if (!isOver(kept.resource)) become(kept, "CANCELLED");
}

function isFull(place: Place, { resource, region }: Kept<Job>): boolean {
  const cluster = resource.placement?.clusterName;
  const running = [...place.jobs.values()].filter(
    (other) =>
      other.region === region &&
      other.resource.placement?.clusterName === cluster &&
      other.resource.status?.state === "RUNNING" &&
      other.resource.status.substate === "SUBMITTED",
  );
  return running.length >= place.options.driversMax;
}

/** Ends a job as if its driver, its agent or its cluster had. */
export function endJob(kept: Kept<Job>, done: Done): void {
  ended(kept, done);
  kept.abort.abort("ended");
}

function become(
  { resource, now }: Kept<Job>,
  state: State,
  more: {
    readonly substate?: "QUEUED" | "SUBMITTED" | "STALE_STATUS";
    readonly details?: string;
  } = {},
): void {
  const before = resource.status;
  if (before !== null && before !== undefined) {
    resource.statusHistory = [...(resource.statusHistory ?? []), before];
  }
  resource.status = { state, stateStartTime: timestamp(now()), ...more };
  resource.done = isOver(resource);
}

export function isOver({ status }: Job): boolean {
  const state = String(status?.state);
  return state === "DONE" || state === "ERROR" || state === "CANCELLED";
}
