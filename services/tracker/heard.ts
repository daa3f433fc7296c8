import { isLive } from "../../core/status.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobStatus } from "../../ports/job-runner.ts";
import { inTrace } from "../../ports/log.ts";
import type { Task } from "../../schemas/tasks.ts";
import { readAll } from "./read.ts";
import { settle, type Tracking, traceOfJob } from "./settle.ts";

/**
 * Looks whether reports that have had their time were heard: what became of the message does not count, but
 * whether the task still says that this job is live. Heard, the job is forgotten by its runner; else it is
 * reported again. Once stopped, all are looked at and none is reported.
 */
export async function hear(tracking: Tracking): Promise<void> {
  const { ports, reported, stopped, inHand } = tracking;
  const now = ports.clock.now();
  const due = [...reported.values()].filter(({ lookAt }) => stopped || lookAt <= now);
  if (due.length === 0) return;
  try {
    const unheard = await whoseTaskIsLive(tracking, due);
    const heard = due
      .filter(({ status }) => !unheard.has(status))
      .map(({ status }) => status.jobId);
    if (heard.length > 0) await ports.runner.forget(heard);
    for (const jobId of heard) {
      reported.delete(jobId);
      inHand.delete(jobId);
    }
    if (!stopped) await Promise.all([...unheard].map((status) => again(tracking, status)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const words = "it cannot be seen whether ends of jobs were heard; looking again";
    if (cause instanceof RetryableError) ports.log.warn({ reason }, words);
    else ports.log.error({ reason }, words);
  }
}

async function whoseTaskIsLive(
  { ports }: Tracking,
  due: readonly { readonly status: JobStatus }[],
): Promise<ReadonlySet<JobStatus>> {
  const ids = due.map(({ status }) => `tasks/${status.task}` as const);
  const read = await readAll(ports.store, ids);
  const isLiveJob = ({ task, jobId }: JobStatus) => {
    const known = read.get(`tasks/${task}`)?.body as Task | null | undefined;
    return known != null && isLive(known.state) && known.state.jobId === jobId;
  };
  return new Set(due.map(({ status }) => status).filter(isLiveJob));
}

async function again(tracking: Tracking, status: JobStatus): Promise<void> {
  const { task, jobId } = status;
  const fields = { task, jobId, ...inTrace(traceOfJob(status)) };
  tracking.ports.log.warn(fields, `${task} has not heard that its job ended; it is reported again`);
  await settle(tracking, status);
}
