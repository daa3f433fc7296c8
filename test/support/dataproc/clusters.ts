import { exists, invalid, notFound, precondition } from "./errors.ts";
import { endJob, isOver } from "./jobs.ts";
import { checkLabels } from "./labels.ts";
import { after, checkProject, type Place } from "./place.ts";
import type { Cluster, Operation } from "./protos.ts";

interface Named {
  readonly projectId: string;
  readonly region: string;
  readonly clusterName: string;
}

/** ClusterController: making, looking at and deleting clusters. */
export function clusterController(place: Place) {
  return {
    CreateCluster(request: Omit<Named, "clusterName"> & { readonly cluster: Cluster }): Operation {
      const { projectId, region, cluster } = request;
      checkProject(place, projectId);
      const clusterName = cluster.clusterName ?? "";
      if (!/^[a-z]([-a-z0-9]{0,49}[a-z0-9])?$/.test(clusterName)) {
        throw invalid(`Invalid cluster name '${clusterName}'`);
      }
      checkLabels(cluster.labels);
      const idle = Number(cluster.config?.lifecycleConfig?.idleDeleteTtl?.seconds ?? 300);
      if (idle < 300 || idle > 14 * 86_400) throw invalid("idle_delete_ttl must be 5 m to 14 d");
      const key = `${region}/${clusterName}`;
      const name = `projects/${projectId}/regions/${region}/clusters/${clusterName}`;
      if (place.clusters.has(key)) throw exists(`Cluster ${name}`);
      const made = { ...cluster, region, status: { state: "CREATING" } } as const;
      place.clusters.set(key, made);
      after(place, place.options.createMs, () => {
        if (place.clusters.get(key) === made) {
          place.clusters.set(key, { ...cluster, region, status: { state: "RUNNING" } });
        }
      });
      return { name: `projects/${projectId}/regions/${region}/operations/create-${clusterName}` };
    },
    GetCluster({ projectId, region, clusterName }: Named): Cluster {
      checkProject(place, projectId);
      const found = place.clusters.get(`${region}/${clusterName}`);
      if (found === undefined) {
        throw notFound(`Cluster projects/${projectId}/regions/${region}/clusters/${clusterName}`);
      }
      return found;
    },
    DeleteCluster({ projectId, region, clusterName }: Named): Operation {
      checkProject(place, projectId);
      if (!place.clusters.has(`${region}/${clusterName}`)) {
        throw notFound(`Cluster projects/${projectId}/regions/${region}/clusters/${clusterName}`);
      }
      deleteCluster(place, region, clusterName);
      return { name: `projects/${projectId}/regions/${region}/operations/delete-${clusterName}` };
    },
  };
}

/** Takes a cluster away, and with it the ground under its jobs. */
export function deleteCluster(place: Place, region: string, clusterName: string): void {
  place.clusters.delete(`${region}/${clusterName}`);
  for (const kept of place.jobs.values()) {
    const on = kept.resource.placement?.clusterName === clusterName && kept.region === region;
    if (!on || isOver(kept.resource)) continue;
    endJob(kept, { ok: false, lost: true, details: "Cluster was deleted while the job ran" });
  }
}

/** Puts a cluster into a state, as an operator or an accident would. */
export function setClusterState(
  place: Place,
  { region, name, state }: { region: string; name: string; state: "STOPPED" | "ERROR" | "RUNNING" },
): void {
  const found = place.clusters.get(`${region}/${name}`);
  if (found === undefined) throw precondition(`no cluster ${name}`);
  place.clusters.set(`${region}/${name}`, { ...found, status: { state } });
}
