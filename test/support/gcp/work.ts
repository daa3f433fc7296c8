import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openGoogleCloud } from "../../../adapters/gcp/open.ts";
import { readSettings } from "../../../adapters/read-settings.ts";
import { rehearsalLake } from "../../../adapters/rehearsal/lake.ts";
import { readConfigs } from "../../../cli/read-configs.ts";
import { compile } from "../../../core/compile/compile.ts";
import { indexPlan } from "../../../core/plan-index.ts";
import { silentLog } from "../../../ports/log.ts";
import { RehearsalBehaviour } from "../../../schemas/rehearsal.ts";
import type { Work } from "../dataproc/place.ts";
import { rehearsalWork } from "../dataproc/rehearsal-work.ts";
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
const drive = rehearsalWork(
  {
    lake: rehearsalLake(world.lake, settings.tables),
    keyValueStore: world.keyValueStore,
    configs: null,
    clock: world.clock,
    behaviour: RehearsalBehaviour.parse({ durationMs: 0 }),
  },
  { step: (id) => plan.step(id), spec: jobOf },
);

export const work: Work = async (job, signal) => {
  appendFileSync(LANDFALL_TEST_LEDGER, `${job.id}\n`);
  await sleep(Number(LANDFALL_TEST_JOB_MS));
  return drive(job, signal);
};
