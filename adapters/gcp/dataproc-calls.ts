import {
  BatchControllerClient,
  ClusterControllerClient,
  JobControllerClient,
  protos,
} from "@google-cloud/dataproc";
import { learnYarnCounts } from "./yarn-counts.ts";

export type Job = protos.google.cloud.dataproc.v1.IJob;
export type Batch = protos.google.cloud.dataproc.v1.IBatch;
export type Cluster = protos.google.cloud.dataproc.v1.ICluster;

/** How the clients of a region reach Dataproc. */
export type ConnectionOptions = NonNullable<ConstructorParameters<typeof JobControllerClient>[0]>;

/** Calls to Dataproc in one region, each tried once: who calls decides what comes next. */
export interface DataprocCalls {
  submitJob(request: protos.google.cloud.dataproc.v1.ISubmitJobRequest): Promise<Job>;
  getJob(jobId: string): Promise<Job>;
  /** All pages of a list. */
  listJobs(filter: string): Promise<Job[]>;
  cancelJob(jobId: string): Promise<void>;
  /** Replaces a job's labels, the only thing of a job that can be changed. */
  labelJob(jobId: string, labels: Readonly<Record<string, string>>): Promise<void>;
  createBatch(request: protos.google.cloud.dataproc.v1.ICreateBatchRequest): Promise<void>;
  getBatch(batchId: string): Promise<Batch>;
  /** All pages of a list. */
  listBatches(filter: string): Promise<Batch[]>;
  cancelOperation(name: string): Promise<void>;
  getCluster(clusterName: string): Promise<Cluster>;
  createCluster(cluster: Cluster): Promise<void>;
  deleteCluster(clusterName: string): Promise<void>;
  close(): Promise<void>;
}

export interface DataprocCallsOptions {
  /** That jobs are submitted to. */
  readonly project: string;
  readonly region: string;
  readonly timeoutMs: number;
  /** Instead of Dataproc's own address for the region, which its API insists on. */
  readonly connection?: ConnectionOptions;
}

const pageSize = 500;

/** Opens the clients of a region; nothing is connected until the first call. */
export function dataprocCalls(options: DataprocCallsOptions): DataprocCalls {
  const { project: projectId, region } = options;
  const connection = options.connection ?? {
    apiEndpoint: `${region}-dataproc.googleapis.com`,
    projectId,
  };
  learnYarnCounts();
  const jobs = new JobControllerClient(connection);
  const batches = new BatchControllerClient(connection);
  const clusters = new ClusterControllerClient(connection);
  const once = { timeout: options.timeoutMs, retry: { retryCodes: [] } };
  const onePage = { ...once, autoPaginate: false };
  const parent = `projects/${projectId}/locations/${region}`;
  return {
    submitJob: async (request) => (await jobs.submitJob(request, once))[0],
    getJob: async (jobId) => (await jobs.getJob({ projectId, region, jobId }, once))[0],
    listJobs: (filter) =>
      pages(async (pageToken) => {
        const request = { projectId, region, filter, pageSize, pageToken };
        const [found, , page] = await jobs.listJobs(request, onePage);
        return { found, next: page.nextPageToken };
      }),
    async cancelJob(jobId) {
      await jobs.cancelJob({ projectId, region, jobId }, once);
    },
    async labelJob(jobId, labels) {
      const job = { labels: { ...labels } };
      const updateMask = { paths: ["labels"] };
      await jobs.updateJob({ projectId, region, jobId, job, updateMask }, once);
    },
    async createBatch(request) {
      await batches.createBatch(request, once);
    },
    getBatch: async (batchId) =>
      (await batches.getBatch({ name: `${parent}/batches/${batchId}` }, once))[0],
    listBatches: (filter) =>
      pages(async (pageToken) => {
        const request = { parent, filter, pageSize, pageToken };
        const [found, , page] = await batches.listBatches(request, onePage);
        return { found, next: page.nextPageToken };
      }),
    async cancelOperation(name) {
      const request = protos.google.longrunning.CancelOperationRequest.create({ name });
      await batches.cancelOperation(request, once);
    },
    getCluster: async (clusterName) =>
      (await clusters.getCluster({ projectId, region, clusterName }, once))[0],
    async createCluster(cluster) {
      await clusters.createCluster({ projectId, region, cluster }, once);
    },
    async deleteCluster(clusterName) {
      await clusters.deleteCluster({ projectId, region, clusterName }, once);
    },
    async close() {
      await Promise.all([jobs.close(), batches.close(), clusters.close()]);
    },
  };
}

/** Everything of a list, page after page. */
async function pages<T>(
  page: (token: string) => Promise<{ found: T[]; next?: string | null | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let token = ""; ; ) {
    const { found, next } = await page(token);
    all.push(...found);
    if (next === undefined || next === null || next === "") return all;
    token = next;
  }
}
