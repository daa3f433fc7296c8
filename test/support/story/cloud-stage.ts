import { randomBytes } from "node:crypto";
import { cloudStorage } from "../../../adapters/gcp/cloud-storage.ts";
import { cloudStorageObjectStore } from "../../../adapters/gcp/object-store.ts";
import { openGoogleCloud } from "../../../adapters/gcp/open.ts";
import { folderOf } from "../../../adapters/gcp/place.ts";
import { prefixedObjectStore } from "../../../adapters/gcp/prefixed-store.ts";
import { setUpGoogleCloud } from "../../../adapters/gcp/set-up.ts";
import { rehearsalLake } from "../../../adapters/rehearsal/lake.ts";
import type { RehearsalWorld } from "../../../adapters/rehearsal/world.ts";
import { indexPlan } from "../../../core/plan-index.ts";
import { silentLog } from "../../../ports/log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { confObject } from "../../../releases/names.ts";
import { GoogleCloud } from "../../../schemas/google-cloud.ts";
import { compileFiles } from "../configs.ts";
import type { Work } from "../dataproc/place.ts";
import { rehearsalWork } from "../dataproc/rehearsal-work.ts";
import { dataprocServer } from "../dataproc/server.ts";
import { streamWork } from "../dataproc/stream-work.ts";
import { objectsTopic, variables } from "../emulators/servers.ts";
import { jobOf } from "../tracker-place.ts";
import type { Cast, Stage } from "./stage.ts";
import { steeredClock } from "./steered-clock.ts";

/**
 * A deployment of its own on Google's emulators and on our Dataproc, where jobs write into the
 * lake's bucket and into Bigtable as Chronon's would.
 */
export async function cloudStage(project: string, cast: Cast): Promise<Stage> {
  const deployment = `story-${randomBytes(4).toString("hex")}`;
  const clock = steeredClock(Date.parse(cast.start));
  let plan = indexPlan(compileFiles([]));
  let work: Work = async () => ({ ok: false, details: "nothing is released" });
  const clusters = { "us-central1": ["chronon"] };
  const dataproc = await dataprocServer({
    project,
    clusters,
    jobOperationsMax: 100_000,
    now: () => clock.now(),
    work: (job, signal) => work(job, signal),
  });
  const cloud = cloudOf(deployment, { project, dataproc: `127.0.0.1:${dataproc.port}` });
  const buckets = cloudStorage({ project, apiEndpoint: process.env[variables.storage] ?? "" });
  for (const name of ["lake", "configs", "flink"]) {
    await buckets.createBucket(`${deployment}-${name}`);
  }
  const settings = { ...cast.settings, deployment, tickMs: 1_000 };
  const placed = { ...settings, gcp: cloud };
  await setUpGoogleCloud(placed, () => {});
  const world = openGoogleCloud({ settings: placed, service: "watcher", log: silentLog, clock });
  const rehearsed: RehearsalWorld = {
    lake: rehearsalLake(world.lake, settings.tables),
    keyValueStore: world.keyValueStore,
    configs: world.configs,
    clock,
    behaviour: cast.behaviour,
  };
  const drive = rehearsalWork(rehearsed, {
    step: (id) => plan.step(id),
    spec: (step, range, more) => jobOf(step, range, { conf: confObject(step.conf), ...more }),
  });
  const stream = streamWork(rehearsed, (uri) => stateIn(uri, cloud));
  const outputs = await driverOutputs(cloud);
  work = async (job, signal) => {
    const isStream = job.labels["landfall-mode"] === "streaming";
    const done = await (isStream ? stream : drive)(job, signal);
    if (!done.ok)
      await outputs.write(`chronon/jobs/${job.id}/driveroutput.000000000`, outputOf(done.details));
    return done.ok ? done : { ...done, details: "job failure" };
  };
  return {
    world,
    clock,
    settings,
    paceMs: 500,
    know(files) {
      plan = indexPlan(compileFiles(files, { settings }));
    },
    async close() {
      await world.close();
      await outputs.close();
      await dataproc.close();
    },
  };
}

function cloudOf(
  deployment: string,
  { project, dataproc }: { readonly project: string; readonly dataproc: string },
): GoogleCloud {
  const at = ({ pubsub, firestore, bigtable, storage }: typeof variables) => ({
    pubsub: process.env[pubsub],
    firestore: process.env[firestore],
    bigtable: process.env[bigtable],
    storage: process.env[storage],
  });
  return GoogleCloud.parse({
    project,
    lake: `gs://${deployment}-lake`,
    configs: `gs://${deployment}-configs/landfall`,
    bigtableInstance: deployment,
    firestoreDatabase: deployment,
    lakeTopic: objectsTopic,
    emulators: { ...at(variables), dataproc },
    dataproc: {
      flinkState: `gs://${deployment}-flink/state`,
      activeLookMs: 300,
      idleLookMs: 500,
      clusterSubmissionsPerMinute: 60_000,
      submissionsPerMinute: 60_000,
      profiles: {
        incremental: {
          version: "0.1.0",
          artifactPrefix: "gs://artifacts",
          place: { on: "cluster", name: "chronon" },
        },
      },
      profileOfMode: {},
    },
  });
}

/** Where our Dataproc says that drivers' output lies. Stories share it. */
async function driverOutputs({ project, emulators }: GoogleCloud): Promise<ObjectStore> {
  const bucket = "dataproc-staging";
  const { storage: apiEndpoint = "" } = emulators;
  await cloudStorage({ project, apiEndpoint })
    .createBucket(bucket)
    .catch((cause: { code?: unknown }) => {
      if (cause.code !== 409) throw cause;
    });
  return cloudStorageObjectStore({ project, bucket, warn() {}, apiEndpoint });
}

/** What a job said, and then what it failed with. */
function outputOf(details: string): Uint8Array {
  return Buffer.from(`26/03/02 01:00:07 INFO SparkContext: Running\n${details}\n`);
}

/** The folder of Cloud Storage that a stream is told to keep its state in. */
function stateIn(uri: string, { project, emulators }: GoogleCloud): ObjectStore {
  const { bucket, prefix } = folderOf(uri);
  const { storage } = emulators;
  const store = cloudStorageObjectStore({
    project,
    bucket,
    warn() {},
    ...(storage === undefined ? {} : { apiEndpoint: storage }),
  });
  return prefixedObjectStore(store, prefix);
}
