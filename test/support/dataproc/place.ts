import { status } from "@grpc/grpc-js";
import { Denial } from "./errors.ts";
import type { Batch, Cluster, Job } from "./protos.ts";

/** What a job did: its driver exited with 0, or not, and what Dataproc says of that. */
export type Done =
  | { readonly ok: true }
  | { readonly ok: false; readonly details: string; readonly lost?: boolean };

/** What a job does when it runs. `signal` is aborted when it is cancelled, killed or deleted. */
export type Work = (
  job: {
    readonly id: string;
    readonly args: readonly string[];
    readonly labels: Labels;
    /** Where a Flink job goes on from. */
    readonly savepoint?: string;
  },
  signal: AbortSignal,
) => Promise<Done>;

export type Labels = Readonly<Record<string, string>>;

/**
 * Trouble with the next calls of a method. `lost-answer`: it is done, and the caller hears
 * UNAVAILABLE; the others are not done.
 */
export interface Trouble {
  readonly method: string;
  readonly kind: "lost-answer" | "unavailable" | "quota" | "denied" | "unauthenticated";
  readonly times: number;
}

export interface PlaceOptions {
  readonly project?: string;
  /** Clusters that are there and run, by region; `{ "us-central1": ["c"] }`. */
  readonly clusters?: Readonly<Record<string, readonly string[]>>;
  /** Drivers that run at once on a cluster; more are RUNNING and QUEUED. */
  readonly driversMax?: number;
  /** Between the states of a job. */
  readonly stepMs?: number;
  /** How long a cluster is CREATING. */
  readonly createMs?: number;
  /** Operations on jobs a minute, of a region. */
  readonly jobOperationsMax?: number;
  readonly work?: Work;
  /** What time it is there. */
  readonly now?: () => number;
}

/** A job or a batch as it is kept: what callers see, and what runs behind it. */
export interface Kept<Resource> {
  readonly resource: Resource;
  readonly region: string;
  readonly submittedAt: number;
  readonly now: () => number;
  readonly abort: AbortController;
  starts: number;
}

/** One project's Dataproc, in memory. */
export interface Place {
  readonly options: Required<PlaceOptions>;
  readonly jobs: Map<string, Kept<Job>>;
  readonly batches: Map<string, Kept<Batch>>;
  readonly clusters: Map<string, Cluster & { region: string }>;
  /** Calls by method. */
  readonly calls: Map<string, number>;
  trouble: { kind: Trouble["kind"]; method: string; times: number }[];
  readonly operationsAt: Map<string, number[]>;
  readonly timers: Set<NodeJS.Timeout>;
  closed: boolean;
}

export function newPlace(options: PlaceOptions): Place {
  const place: Place = {
    options: {
      project: "acme-features",
      clusters: { "us-central1": ["chronon-risk"] },
      driversMax: 1_000,
      stepMs: 10,
      createMs: 100,
      jobOperationsMax: 400,
      work: async () => ({ ok: true }),
      now: () => Date.now(),
      ...options,
    },
    jobs: new Map(),
    batches: new Map(),
    clusters: new Map(),
    calls: new Map(),
    trouble: [],
    operationsAt: new Map(),
    timers: new Set(),
    closed: false,
  };
  for (const [region, names] of Object.entries(place.options.clusters)) {
    for (const clusterName of names) {
      place.clusters.set(`${region}/${clusterName}`, {
        region,
        clusterName,
        status: { state: "RUNNING" },
      });
    }
  }
  return place;
}

export function after(place: Place, delayMs: number, done: () => void): void {
  if (place.closed) return;
  const timer = setTimeout(() => {
    place.timers.delete(timer);
    done();
  }, delayMs);
  place.timers.add(timer);
}

export function pause(place: Place): Promise<void> {
  return new Promise((resolve) => after(place, place.options.stepMs, resolve));
}

/** Counts an operation on jobs against the region's quota: 400 a minute. */
export function spend(place: Place, region: string): void {
  const now = place.options.now();
  const recent = (place.operationsAt.get(region) ?? []).filter((at) => at > now - 60_000);
  if (recent.length >= place.options.jobOperationsMax) {
    throw new Denial(
      status.RESOURCE_EXHAUSTED,
      "Quota exceeded for quota metric 'Job operations' and limit 'Job operations per minute per region'",
    );
  }
  place.operationsAt.set(region, [...recent, now]);
}

export function checkProject(place: Place, project: string): void {
  if (project === place.options.project) return;
  throw new Denial(
    status.PERMISSION_DENIED,
    `Permission 'dataproc.jobs.create' denied on resource '//dataproc.googleapis.com/projects/${project}'`,
  );
}
