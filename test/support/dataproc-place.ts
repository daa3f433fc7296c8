import { credentials } from "@grpc/grpc-js";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { type ConnectionOptions, dataprocCalls } from "../../adapters/gcp/dataproc-calls.ts";
import { type DataprocRunnerOptions, dataprocJobRunner } from "../../adapters/gcp/job-runner.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import { DataprocSettings } from "../../schemas/dataproc.ts";
import type { PlaceOptions } from "./dataproc/place.ts";
import { type DataprocServer, dataprocServer } from "./dataproc/server.ts";
import { jobSpecs } from "./job-specs.ts";

/** A Dataproc of our own, and runners on it. */
export interface DataprocPlace {
  readonly server: DataprocServer;
  open(settings?: object, more?: MoreOptions): JobRunner;
  /** A job on the cluster that is there. */
  job(more?: Partial<JobSpec>): JobSpec;
  close(): Promise<void>;
}

/** `connection`: how this place is reached, when not as it is. */
type MoreOptions = Partial<DataprocRunnerOptions> & { readonly connection?: ConnectionOptions };

/** What every job of a place is given, unless told otherwise. */
export const jobEnv = {
  ARTIFACT_PREFIX: "gs://acme-chronon-artifacts",
  GCP_BIGTABLE_INSTANCE_ID: "features",
  VERSION: "0.1.0",
};

export async function dataprocPlace(options: PlaceOptions = {}): Promise<DataprocPlace> {
  const server = await dataprocServer(options);
  const clock = systemClock();
  const memory = simulatedObjectStore({ clock });
  const next = jobSpecs();
  const opened: JobRunner[] = [];
  return {
    server,
    open(asked = {}, { connection = connectionTo(server), ...more } = {}) {
      const settings = DataprocSettings.parse({
        project: server.place.options.project,
        configs: "gs://acme-landfall/configs",
        activeLookMs: 40,
        idleLookMs: 200,
        missingForMs: 200,
        clusterLookMs: 40,
        ...asked,
      });
      const { project, callTimeoutMs: timeoutMs } = settings;
      const runner = dataprocJobRunner({
        settings,
        deployment: "landfall",
        clock,
        memory: memory.open(),
        calls: (region) => dataprocCalls({ project, region, timeoutMs, connection }),
        ...more,
      });
      opened.push(runner);
      return runner;
    },
    job: (more = {}) =>
      next({
        env: jobEnv,
        execution: { properties: {}, cluster: "chronon-risk" },
        conf: "confs/c0ffee/merchant_features.v1__0",
        confPath: "compiled/group_bys/risk/merchant_features.v1__0",
        ...more,
      }),
    async close() {
      for (const runner of opened) await runner.close();
      await server.close();
    },
  };
}

function connectionTo({ port, place }: DataprocServer): ConnectionOptions {
  return {
    apiEndpoint: "127.0.0.1",
    port,
    universeDomain: "googleapis.com",
    sslCreds: credentials.createInsecure(),
    projectId: place.options.project,
  };
}
