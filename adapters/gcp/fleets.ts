import type { Clock } from "../../ports/clock.ts";
import type { DataprocCalls } from "./dataproc-calls.ts";
import { CODE, codeOf, retryable } from "./dataproc-errors.ts";
import { dayOfSlot, deploymentLabel, slotOf, slotRange, whenLabels } from "./dataproc-labels.ts";
import { type SeenJob, seenBatch, seenJob } from "./dataproc-status.ts";

/** When jobs were submitted: a day, or ten minutes of one. */
export type Period = { readonly day: string } | { readonly slot: string };

/** Jobs of one kind in one region, and the calls that look at all of them at once. */
export interface Fleet {
  /** For logs: `jobs in us-central1`. */
  readonly name: string;
  /** Every job of ours that has not ended. */
  active(): Promise<readonly SeenJob[]>;
  /** Jobs of ours that have ended, of those submitted in a period. */
  ended(period: Period): Promise<readonly SeenJob[]>;
  cancel(jobId: string): Promise<"asked" | "unknown">;
}

export interface FleetOptions {
  readonly calls: DataprocCalls;
  readonly deployment: string;
  readonly region: string;
  readonly clock: Clock;
  /** Days of submission whose ended jobs a first look lists. */
  readonly recallDays: number;
}

/** Jobs on clusters, found by labels: `status.state` and `labels` are all that ListJobs filters by. */
export function clusterFleet(options: FleetOptions): Fleet {
  const { calls, deployment, region } = options;
  const ours = `labels.landfall-deployment = ${deploymentLabel(deployment)}`;
  const list = async (filter: string) =>
    (await calls.listJobs(filter)).map(seenJob).filter((job) => job !== null);
  return {
    name: `jobs in ${region}`,
    active: () => list(`status.state = ACTIVE AND ${ours}`),
    ended(period) {
      const when =
        "day" in period
          ? `labels.landfall-day = ${period.day}`
          : `labels.landfall-slot = ${period.slot}`;
      return list(`status.state = NON_ACTIVE AND ${ours} AND ${when}`);
    },
    cancel: (jobId) =>
      asking(jobId, async () => {
        try {
          await calls.cancelJob(jobId);
        } catch (cause) {
          if (codeOf(cause) !== CODE.failedPrecondition) throw cause;
          await recall(options, jobId);
        }
      }),
  };
}

/**
 * Batches, found by their states and when they were made: ListBatches does not filter by labels.
 * A batch is cancelled through the operation that made it.
 */
export function batchFleet({ calls, deployment, region }: FleetOptions): Fleet {
  const own = deploymentLabel(deployment);
  const list = async (filter: string) =>
    (await calls.listBatches(filter))
      .filter((batch) => batch.labels?.["landfall-deployment"] === own)
      .map(seenBatch)
      .filter((job) => job !== null);
  return {
    name: `batches in ${region}`,
    active: () => list("(state = PENDING OR state = RUNNING OR state = CANCELLING)"),
    ended(period) {
      const { from, to } = "slot" in period ? slotRange(period.slot) : dayRange(period.day);
      const when = `create_time >= "${iso(from)}" AND create_time < "${iso(to)}"`;
      return list(`${when} AND (state = SUCCEEDED OR state = FAILED OR state = CANCELLED)`);
    },
    cancel: (jobId) =>
      asking(jobId, async () => {
        const { operation } = await calls.getBatch(jobId);
        await calls.cancelOperation(operation ?? "");
      }),
  };
}

/**
 * A job that ended is left alone. If it was submitted before the days that are listed, nobody may
 * have told its end: with the time of now in its labels, the next look at the ended does.
 */
async function recall({ calls, clock, recallDays }: FleetOptions, jobId: string): Promise<void> {
  const { labels } = await calls.getJob(jobId);
  const now = clock.now();
  const oldest = dayOfSlot(slotOf(now - recallDays * 86_400_000));
  if (labels === null || labels === undefined) return;
  if ((labels["landfall-day"] ?? oldest) >= oldest) return;
  await calls.labelJob(jobId, { ...labels, ...whenLabels(now) });
}

async function asking(jobId: string, ask: () => Promise<void>): Promise<"asked" | "unknown"> {
  try {
    await ask();
    return "asked";
  } catch (cause) {
    const code = codeOf(cause);
    if (code === CODE.notFound) return "unknown";
    if (code === CODE.failedPrecondition) return "asked";
    throw retryable(`job ${jobId} cannot be cancelled yet`, cause);
  }
}

function dayRange(day: string): { readonly from: number; readonly to: number } {
  const from = Date.parse(`${day}T00:00:00Z`);
  return { from, to: from + 86_400_000 };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
