import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { EpochMs } from "../../schemas/ids.ts";
import { type Refusal, refused } from "../refusal.ts";
import type { DataprocCalls } from "./dataproc-calls.ts";
import type { ClusterConfig } from "./dataproc-cluster.ts";
import { CODE, codeOf, retryable, saidBy } from "./dataproc-errors.ts";
import { deploymentLabel } from "./dataproc-labels.ts";

export interface ClusterKeeperOptions {
  readonly calls: DataprocCalls;
  readonly project: string;
  readonly deployment: string;
  readonly clock: Clock;
  /** Distance of looks at a cluster that is not ready. */
  readonly lookMs: number;
}

/** Makes clusters when jobs need them; they delete themselves when idle. */
export interface ClusterKeeper {
  /**
   * Null when jobs may be submitted to the cluster. Throws `RetryableError` while it is being made
   * or mended: nobody waits for it here, who submits asks again. However many jobs ask, the cluster
   * is looked at once in a while and made once.
   */
  ready(name: string, config: ClusterConfig): Promise<Refusal | null>;
  /** The cluster was not there after all. */
  lost(name: string): void;
}

interface Known {
  ready: boolean;
  lookAt: EpochMs;
  said: string;
  looking: Promise<Refusal | null> | null;
}

export function clusterKeeper(options: ClusterKeeperOptions): ClusterKeeper {
  const clusters = new Map<string, Known>();
  const knownOf = (name: string): Known => {
    const found = clusters.get(name) ?? { ready: false, lookAt: 0, said: "", looking: null };
    clusters.set(name, found);
    return found;
  };
  return {
    async ready(name, config) {
      const known = knownOf(name);
      if (known.ready) return null;
      if (known.looking === null && options.clock.now() < known.lookAt) {
        throw new RetryableError(known.said);
      }
      known.looking ??= look(options, { name, config, known }).finally(() => {
        known.looking = null;
      });
      return known.looking;
    },
    lost(name) {
      const known = knownOf(name);
      known.ready = false;
      known.lookAt = 0;
    },
  };
}

interface Looking {
  readonly name: string;
  readonly config: ClusterConfig;
  readonly known: Known;
}

async function look(options: ClusterKeeperOptions, looking: Looking): Promise<Refusal | null> {
  const { name, known } = looking;
  const wait = (said: string) => {
    known.said = said;
    known.lookAt = options.clock.now() + options.lookMs;
    return new RetryableError(said);
  };
  const cluster = await lookedAt(options, name);
  if (cluster === null) {
    const refusal = await make(options, looking);
    if (refusal !== null) return refusal;
    throw wait(`cluster ${name} is being made; the job is submitted when it runs`);
  }
  const state = String(cluster.status?.state);
  switch (state) {
    case "RUNNING":
    case "UPDATING":
    case "ERROR_DUE_TO_UPDATE":
      known.ready = true;
      return null;
    case "ERROR":
    case "STOPPED":
    case "UNKNOWN":
      if (cluster.labels?.["landfall-deployment"] !== deploymentLabel(options.deployment)) {
        return refused(
          `cluster ${name} is in state ${state} and not Landfall's to mend: start it, or delete it`,
        );
      }
      await remove(options, name);
      throw wait(`cluster ${name} was in state ${state}; it is deleted and made again`);
    default:
      throw wait(`cluster ${name} is ${state}; the job is submitted when it runs`);
  }
}

async function lookedAt({ calls }: ClusterKeeperOptions, name: string) {
  try {
    return await calls.getCluster(name);
  } catch (cause) {
    if (codeOf(cause) === CODE.notFound) return null;
    throw retryable(`cluster ${name} cannot be looked at`, cause);
  }
}

/** Made by whoever is first; the others find that it exists. */
async function make(
  { calls, project, deployment }: ClusterKeeperOptions,
  { name, config }: Looking,
): Promise<Refusal | null> {
  try {
    await calls.createCluster({
      projectId: project,
      clusterName: name,
      config,
      labels: { "landfall-deployment": deploymentLabel(deployment) },
    });
    return null;
  } catch (cause) {
    const code = codeOf(cause);
    if (code === CODE.alreadyExists) return null;
    if (code === CODE.invalidArgument || code === CODE.permissionDenied) {
      return refused(`cluster ${name} cannot be made: ${saidBy(cause)}`);
    }
    throw retryable(`cluster ${name} cannot be made yet`, cause);
  }
}

async function remove({ calls }: ClusterKeeperOptions, name: string): Promise<void> {
  try {
    await calls.deleteCluster(name);
  } catch (cause) {
    if (codeOf(cause) !== CODE.notFound)
      throw retryable(`cluster ${name} cannot be deleted`, cause);
  }
}
