import { Observable } from "rxjs";
import { dataprocJobRunner } from "../../adapters/gcp/job-runner.ts";
import { prefixedObjectStore } from "../../adapters/gcp/prefixed-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { DataprocSettings } from "../../schemas/dataproc.ts";
import type { DataprocWorkload } from "./cloud-workload.ts";
import type { SimulatedDataproc } from "./dataproc.ts";
import { type Life, whileAlive } from "./life.ts";

export interface DataprocPorts {
  readonly dataproc: SimulatedDataproc;
  readonly clock: Clock;
  readonly configs: ObjectStore;
  readonly workload: DataprocWorkload;
  readonly deployment: string;
  /** Submissions a minute; null: any number. */
  readonly perMinute: number | null;
}

/** The runner of Google Cloud itself, on Dataproc as this process reaches it. */
export function dataprocRunnerOf(life: Life, ports: DataprocPorts): JobRunner {
  const { dataproc, clock, configs, deployment } = ports;
  const runner = dataprocJobRunner({
    settings: settingsOf(ports),
    deployment,
    clock,
    configs,
    memory: prefixedObjectStore(configs, "jobs"),
    calls: () => dataproc.calls(life),
  });
  return {
    ...runner,
    submit(spec) {
      dataproc.expect(spec);
      return runner.submit(spec);
    },
    statuses: () =>
      new Observable((out) => {
        const told = whileAlive(life, runner.statuses()).subscribe(out);
        return () => {
          told.unsubscribe();
          // What looks again and again ends with its process.
          if (!life.alive) void runner.close();
        };
      }),
  };
}

function settingsOf({ workload, perMinute }: DataprocPorts): DataprocSettings {
  const { activeLookMs, idleLookMs } = workload;
  const most = perMinute ?? 1_000_000;
  return DataprocSettings.parse({
    project: "simulation",
    configs: "gs://configs",
    profiles: {
      incremental: {
        version: "0.1.0",
        artifactPrefix: "gs://artifacts",
        place: { on: "cluster", name: "chronon" },
      },
    },
    profileOfMode: {},
    bigtableInstance: "features",
    flinkState: "gs://state",
    submissionsPerMinute: most,
    clusterSubmissionsPerMinute: most,
    activeLookMs,
    idleLookMs,
  });
}
