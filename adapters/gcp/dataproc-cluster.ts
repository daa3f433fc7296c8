import type { protos } from "@google-cloud/dataproc";
import { z } from "zod";
import type { EphemeralCluster } from "../../schemas/dataproc.ts";
import { type Refusal, refused } from "../refusal.ts";

/** Dataproc's ClusterConfig. */
export type ClusterConfig = protos.google.cloud.dataproc.v1.IClusterConfig;

type InstanceGroup = protos.google.cloud.dataproc.v1.IInstanceGroupConfig;

/** The config of a profile's cluster; `spot` gives it the profile's preemptible workers. */
export function clusterConfigOf(
  place: EphemeralCluster,
  { spot, stagingBucket }: { readonly spot: boolean; readonly stagingBucket?: string },
): ClusterConfig {
  const { subnetwork, serviceAccount, autoscalingPolicy } = place;
  return {
    ...(stagingBucket === undefined ? {} : { configBucket: stagingBucket }),
    gceClusterConfig: {
      ...(subnetwork === undefined ? {} : { subnetworkUri: subnetwork }),
      ...(serviceAccount === undefined ? {} : { serviceAccount }),
      serviceAccountScopes: ["https://www.googleapis.com/auth/cloud-platform"],
    },
    masterConfig: groupOf(place.master),
    workerConfig: groupOf(place.workers),
    ...(spot
      ? {
          secondaryWorkerConfig: {
            numInstances: place.secondaryWorkers,
            preemptibility: "SPOT" as const,
          },
        }
      : {}),
    softwareConfig: { imageVersion: place.imageVersion, properties: { ...place.properties } },
    ...(autoscalingPolicy === undefined
      ? {}
      : { autoscalingConfig: { policyUri: autoscalingPolicy } }),
    lifecycleConfig: { idleDeleteTtl: { seconds: place.idleDeleteSeconds } },
  };
}

function groupOf(machines: EphemeralCluster["master"]): InstanceGroup {
  return {
    numInstances: machines.count,
    machineTypeUri: machines.machineType,
    diskConfig: { bootDiskType: machines.bootDiskType, bootDiskSizeGb: machines.bootDiskGb },
  };
}

const JsonConfig = z.looseObject({
  lifecycleConfig: z
    .looseObject({
      idleDeleteTtl: z.string().exactOptional(),
      autoDeleteTtl: z.string().exactOptional(),
    })
    .exactOptional(),
});

const idleDeleteSecondsDefault = 900;

/**
 * The cluster of a conf's `dataproc.config`: a ClusterConfig in the JSON of protocol buffers, where
 * durations are texts such as `3600s`. Without a time to live it is deleted after 15 idle minutes.
 */
export function configFromJson(text: string): { readonly config: ClusterConfig } | Refusal {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const parsed = JsonConfig.safeParse(json);
  if (!parsed.success) {
    return refused("the dataproc.config of its conf is not a ClusterConfig in JSON: correct it");
  }
  const { lifecycleConfig: lifecycle, ...config } = parsed.data;
  const idle = secondsOf(lifecycle?.idleDeleteTtl) ?? idleDeleteSecondsDefault;
  const auto = secondsOf(lifecycle?.autoDeleteTtl);
  return {
    config: {
      ...config,
      lifecycleConfig: {
        idleDeleteTtl: { seconds: idle },
        ...(auto === null ? {} : { autoDeleteTtl: { seconds: auto } }),
      },
    },
  };
}

function secondsOf(duration: string | undefined): number | null {
  const found = /^(\d+)(?:\.\d+)?s$/.exec(duration ?? "");
  return found === null ? null : Number(found[1]);
}
