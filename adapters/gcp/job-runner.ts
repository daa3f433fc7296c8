import { merge } from "rxjs";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import { type Log, silentLog } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { DataprocSettings } from "../../schemas/dataproc.ts";
import { clusterKeeper } from "./cluster-keeper.ts";
import type { DataprocCalls } from "./dataproc-calls.ts";
import type { SeenJob } from "./dataproc-status.ts";
import { dataprocStreams } from "./dataproc-streams.ts";
import { type Buckets, explainer } from "./driver-output.ts";
import { type FleetWatch, fleetWatch } from "./fleet-watch.ts";
import { batchFleet, clusterFleet, type Fleet } from "./fleets.ts";
import { type ForgottenJobs, forgottenObjects, notRemembered } from "./forgotten-jobs.ts";
import { submissionLanes } from "./submission-lanes.ts";
import { type Region, submitter } from "./submitter.ts";

export interface DataprocRunnerOptions {
  readonly settings: DataprocSettings;
  /** Marks jobs and clusters as this deployment's: two in one project never meet. */
  readonly deployment: string;
  readonly clock: Clock;
  /** Where the compiled confs lie: a job whose conf is missing is refused. Not looked at without. */
  readonly configs?: ObjectStore;
  /** A store of its own, for what was forgotten. Without one that is lost with the process. */
  readonly memory?: ObjectStore;
  /** Opens the buckets with the output of drivers, whose last lines tell why a job failed. */
  readonly buckets?: Buckets;
  /** How Dataproc is called in a region; the runner closes what it opened. */
  readonly calls: (region: string) => DataprocCalls;
  readonly log?: Log;
}

/**
 * Runs each job on Dataproc: on clusters that are there, on clusters it makes, or Serverless.
 *
 * - D1 The id of a job is the attempt's, so Dataproc itself starts it once. That an id exists is
 *   taken for this attempt only when the labels of the job say so.
 * - D2 What a job is can be read from its labels by any process; nothing else is kept of it.
 * - D3 Jobs are watched by lists, a few a look, however many there are (`fleet-watch.ts`).
 *
 * Several may be open at once, in any processes; only those that are asked for statuses look.
 */
export function dataprocJobRunner(options: DataprocRunnerOptions): JobRunner {
  const { clock, memory } = options;
  const log = options.log ?? silentLog;
  const forgotten = memory === undefined ? notRemembered : forgottenObjects(memory, clock);
  const regions = options.settings.regions.map((name) => openRegion(name, options, forgotten));
  const fleets = regions.flatMap(({ jobs, batches }) =>
    batches === null ? [jobs] : [jobs, batches],
  );
  const watches = fleets.map(({ watch }) => watch);
  return {
    lanes: submissionLanes(options),
    submit: submitter({ ...options, regions }),
    cancel: (jobId) => cancelled(fleets, jobId),
    streams: dataprocStreams({ regions, deployment: options.deployment }),
    statuses: () => merge(...watches.map((watch) => watch.statuses())),
    async look() {
      const looks = await Promise.allSettled(watches.map((watch) => watch.look()));
      for (const look of looks) {
        if (look.status === "rejected") log.warn({ reason: String(look.reason) }, "a look failed");
      }
    },
    async forget(jobIds) {
      const told = watches.map((watch) => ({ watch, jobs: watch.told(jobIds) }));
      await forgotten.add(told.flatMap(({ jobs }) => jobs));
      for (const { watch, jobs } of told) watch.forget(jobs);
    },
    async close() {
      for (const watch of watches) watch.close();
      await Promise.all(regions.map(({ calls }) => calls.close()));
    },
  };
}

/** The clients of a region, and what watches its jobs. Batches are only where a profile makes any. */
function openRegion(
  region: string,
  options: DataprocRunnerOptions,
  forgotten: ForgottenJobs,
): Region {
  const { settings, deployment, clock, log = silentLog, buckets } = options;
  const { project, clusterLookMs, profiles } = settings;
  const calls = options.calls(region);
  const explain = buckets === undefined ? async (job: SeenJob) => job : explainer(buckets);
  const watched = (fleet: Fleet) => ({
    fleet,
    watch: fleetWatch({ fleet, clock, settings, forgotten, explain, log }),
  });
  const of = { calls, deployment, region, clock, recallDays: settings.recallDays };
  const serverless = Object.values(profiles).some(({ place }) => place.on === "serverless");
  return {
    name: region,
    calls,
    jobs: watched(clusterFleet(of)),
    batches: serverless ? watched(batchFleet(of)) : null,
    clusters: clusterKeeper({ calls, project, deployment, clock, lookMs: clusterLookMs }),
  };
}

/** Asks where the job is known to be, else everywhere: an id does not say its region. */
async function cancelled(
  fleets: readonly { readonly fleet: Fleet; readonly watch: FleetWatch }[],
  jobId: string,
): Promise<"asked" | "unknown"> {
  if (!/^[a-z0-9-]{1,63}$/.test(jobId)) return "unknown";
  const known = fleets.filter(({ watch }) => watch.knows(jobId));
  for (const { fleet } of known.length > 0 ? known : fleets) {
    if ((await fleet.cancel(jobId)) === "asked") return "asked";
  }
  return "unknown";
}
