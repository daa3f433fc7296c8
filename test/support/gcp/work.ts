import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cloudStorageObjectStore } from "../../../adapters/gcp/object-store.ts";
import { openGoogleCloud } from "../../../adapters/gcp/open.ts";
import { folderOf } from "../../../adapters/gcp/place.ts";
import { prefixedObjectStore } from "../../../adapters/gcp/prefixed-store.ts";
import { readSettings } from "../../../adapters/read-settings.ts";
import { rehearsalLake } from "../../../adapters/rehearsal/lake.ts";
import type { RehearsalWorld } from "../../../adapters/rehearsal/world.ts";
import { readConfigs } from "../../../cli/read-configs.ts";
import { compile } from "../../../core/compile/compile.ts";
import { indexPlan } from "../../../core/plan-index.ts";
import { silentLog } from "../../../ports/log.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { RehearsalBehaviour } from "../../../schemas/rehearsal.ts";
import type { Work } from "../dataproc/place.ts";
import { rehearsalWork } from "../dataproc/rehearsal-work.ts";
import { streamWork } from "../dataproc/stream-work.ts";
import { jobOf } from "../tracker-place.ts";

/**
 * What jobs do on the Dataproc of a deployment on emulators: they take a moment, note that they
 * began, and write into the lake's bucket and into Bigtable as Chronon's driver would.
 */
const {
  LANDFALL_TEST_CONFIGS = "",
  LANDFALL_TEST_LEDGER = "",
  LANDFALL_TEST_JOB_MS = "300",
} = process.env;
const { settings } = readSettings(process.env);
const world = openGoogleCloud({ settings, log: silentLog });
const plan = indexPlan(compile({ files: await readConfigs(LANDFALL_TEST_CONFIGS), settings }));
const rehearsed: RehearsalWorld = {
  lake: rehearsalLake(world.lake, settings.tables),
  keyValueStore: world.keyValueStore,
  configs: null,
  clock: world.clock,
  behaviour: RehearsalBehaviour.parse({ durationMs: 0, checkpointMs: 1_000 }),
};
const drive = rehearsalWork(rehearsed, { step: (id) => plan.step(id), spec: jobOf });

export const work: Work = async (job, signal) => {
  appendFileSync(LANDFALL_TEST_LEDGER, `${job.id}\n`);
  await sleep(Number(LANDFALL_TEST_JOB_MS));
  const streams = job.labels["landfall-mode"] === "streaming";
  return streams ? streamWork(rehearsed, stateIn)(job, signal) : drive(job, signal);
};

/** The folder of Cloud Storage that a job is told to keep its state in. */
function stateIn(uri: string): ObjectStore {
  const { bucket, prefix } = folderOf(uri);
  const { project = "", emulators = {} } = settings.gcp ?? {};
  const { storage } = emulators;
  const store = cloudStorageObjectStore({
    project,
    bucket,
    warn() {},
    ...(storage === undefined ? {} : { apiEndpoint: storage }),
  });
  return prefixedObjectStore(store, prefix);
}
