import type { RunningStream, StreamJobs } from "../../ports/job-runner.ts";
import { parseTaskId } from "../../schemas/ids.ts";
import type { DataprocCalls, Job } from "./dataproc-calls.ts";
import { CODE, codeOf, retryable } from "./dataproc-errors.ts";
import { deploymentLabel, readLabels } from "./dataproc-labels.ts";
import { seenJob } from "./dataproc-status.ts";

export interface DataprocStreamsOptions {
  readonly regions: readonly { readonly name: string; readonly calls: DataprocCalls }[];
  readonly deployment: string;
}

/**
 * Flink jobs, found by the label that Chronon's own submitter gives them: what somebody deployed by
 * hand is found as well. One list a region, however many streams there are.
 */
export function dataprocStreams({ regions, deployment }: DataprocStreamsOptions): StreamJobs {
  const own = deploymentLabel(deployment);
  return {
    async running() {
      const lists = await Promise.all(
        regions.map(async ({ name, calls }) => {
          try {
            return await calls.listJobs("status.state = ACTIVE AND labels.job-type = flink");
          } catch (cause) {
            throw retryable(`streams in ${name} cannot be listed yet`, cause);
          }
        }),
      );
      return lists.flat().flatMap((job) => runningStream(job, own) ?? []);
    },
    async find(jobId) {
      for (const { calls } of regions) {
        const job = await jobOf(calls, jobId);
        if (job !== null) return seenJob(job)?.status ?? null;
      }
      return null;
    },
  };
}

/** Null for a job that is no GroupBy's, or another deployment's. */
function runningStream(job: Job, own: string): RunningStream | null {
  const { reference, labels, status } = job;
  const whose = labels?.["landfall-deployment"] ?? own;
  const config = configOf(job);
  const jobId = reference?.jobId ?? "";
  if (whose !== own || config === null || jobId === "") return null;
  return { jobId, config, state: status?.state === "RUNNING" ? "running" : "pending" };
}

const option = "--groupby-name=";

/** By its arguments, for its label holds only the last 63 characters of the name. */
function configOf({ flinkJob, labels }: Job): string | null {
  const named = flinkJob?.args?.find((arg) => arg.startsWith(option));
  if (named !== undefined) return named.slice(option.length);
  const task = readLabels(labels ?? {})?.task;
  if (task === undefined) return null;
  const { step } = parseTaskId(task);
  return step.slice(0, step.lastIndexOf("/"));
}

async function jobOf(calls: DataprocCalls, jobId: string): Promise<Job | null> {
  try {
    return await calls.getJob(jobId);
  } catch (cause) {
    if (codeOf(cause) === CODE.notFound) return null;
    throw retryable(`job ${jobId} cannot be looked at yet`, cause);
  }
}
