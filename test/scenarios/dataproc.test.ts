import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "rxjs";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import { rehearsalLake } from "../../adapters/rehearsal/lake.ts";
import type { RehearsalWorld } from "../../adapters/rehearsal/world.ts";
import { readConfigs } from "../../cli/read-configs.ts";
import { runServices } from "../../cli/run-services.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { indexPlan } from "../../core/plan-index.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { compileFiles } from "../support/configs.ts";
import type { Work } from "../support/dataproc/place.ts";
import { rehearsalWork } from "../support/dataproc/rehearsal-work.ts";
import { type DataprocPlace, dataprocPlace } from "../support/dataproc-place.ts";
import { landByOthers } from "../support/lake.ts";
import { jobOf } from "../support/tracker-place.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-dataproc-"));
let at: DataprocPlace;
afterEach(async () => {
  await at.close();
  rmSync(folder, { recursive: true, force: true });
});

const day = "2026-03-02";
const behaviour = RehearsalBehaviour.parse({ durationMs: 0 });
const settings = Settings.parse({
  externalClosing: { when: "at-landing" },
  retries: { infrastructure: { max: 3, delayMs: 50 } },
  submitWithinMs: 1_500,
});

/** The growth team has no cluster of its own: its jobs run on one that Landfall makes. */
function withoutGrowthCluster({ path, text }: ConfigFile): ConfigFile {
  return { path, text: text.replaceAll(/"SPARK_CLUSTER_NAME": "chronon-growth",?/g, "") };
}

/** Days land from another hand, in all tables the example reads from outside. */
const external = [
  "crm.merchants",
  "marketing.clicks",
  "partners.fraud_scores",
  "payments.checkouts",
  "payments.transactions",
];

test("the example's day runs on Dataproc, though answers are lost, a quota is used up, a job is deleted and a cluster is made", {
  timeout: 90_000,
}, async () => {
  const embedded = openEmbedded({
    data: join(folder, "data"),
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour },
    settings,
    log: silentLog,
  });
  const examples = new URL("../../examples/payments-risk", import.meta.url).pathname;
  const files = (await readConfigs(examples)).map(withoutGrowthCluster);
  const rehearsed: RehearsalWorld = {
    lake: rehearsalLake(embedded.lake, {}),
    keyValueStore: embedded.keyValueStore,
    configs: null,
    clock: systemClock(),
    behaviour,
  };
  const plan = indexPlan(compileFiles(files, { settings }));
  const drive = rehearsalWork(rehearsed, { step: (id) => plan.step(id), spec: jobOf });
  const acknowledged = new Set<string>();
  let deleted: string | null = null;
  const work: Work = async (job, signal) => {
    if (deleted === null && job.labels["landfall-mode"] === "upload") {
      deleted = job.id;
      // An id that is deleted before its submission was acknowledged is submitted again, and runs.
      while (!acknowledged.has(job.id)) await systemClock().sleep(10);
      setTimeout(() => at.server.remove(job.id), 150);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }
    return drive(job, signal);
  };
  // Its cluster takes longer to make than a claim has to be submitted: it is claimed again.
  at = await dataprocPlace({ work, createMs: 2 * settings.submitWithinMs });
  at.server.trouble({ method: "SubmitJob", kind: "lost-answer", times: 2 });
  at.server.trouble({ method: "SubmitJob", kind: "quota", times: 2 });
  at.server.trouble({ method: "SubmitJob", kind: "unavailable", times: 2 });
  at.server.trouble({ method: "ListJobs", kind: "lost-answer", times: 3 });
  const runner = at.open({}, { configs: embedded.configs });
  const submit = async (spec: JobSpec) => {
    const answer = await runner.submit(spec);
    acknowledged.add(spec.jobId);
    return answer;
  };
  const world = { ...embedded, runner: { ...runner, submit } };
  const stop = new Subject<void>();
  const release = await writeRelease(world.configs, files);
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const services = runServices({ world, settings, log: silentLog, stop });

  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const table of external) {
    await landByOthers(world.lake, table.replace(".", "/"), { days: [day], at: Date.now() });
  }
  const tasks = async (): Promise<readonly Task[]> => world.store.listTasks({ limit: 100 });
  const states = async () => (await tasks()).map(({ state }) => state.kind);
  await expect
    .poll(states, { timeout: 60_000, interval: 200 })
    .toEqual(Array.from({ length: 12 }, () => "succeeded"));
  stop.next();
  await services;

  const all = await tasks();
  const retried = all.filter(({ runs }) => (runs.at(-1)?.attempts.length ?? 0) > 1);
  expect(retried.map(({ runs }) => runs[0]?.attempts[0]?.jobId)).toEqual([deleted]);
  expect(at.server.starts(deleted ?? "")).toBe(0);
  for (const { resource, starts } of at.server.place.jobs.values()) {
    expect([resource.reference?.jobId, starts]).toEqual([resource.reference?.jobId, 1]);
  }
  expect(at.server.place.jobs.size).toBe(12);
  expect([...at.server.place.clusters.keys()].sort()).toEqual([
    "us-central1/chronon-risk",
    "us-central1/lf-landfall-backfill",
    "us-central1/lf-landfall-incremental",
  ]);
  await embedded.close();
});
