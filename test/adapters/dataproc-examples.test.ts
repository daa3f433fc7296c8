import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfigs } from "../../cli/read-configs.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { confObject } from "../../releases/names.ts";
import { taskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import { compileFiles } from "../support/configs.ts";
import { type DataprocPlace, dataprocPlace } from "../support/dataproc-place.ts";

const here = resolve(import.meta.dirname, "../..");
const samples = resolve(here, "../shared/data/chronon");
const absent = !existsSync(samples);
if (absent) console.log("skipped: the sample repositories of Chronon are not beside this one");

let at: DataprocPlace;
beforeAll(async () => {
  const clusters = ["chronon-risk", "chronon-growth", "zipline-canary-cluster"];
  at = await dataprocPlace({ clusters: { "us-central1": clusters } });
});
afterAll(() => at.close());

let jobs = 0;
function specOf(step: PlanStep): JobSpec {
  const range = { start: "2026-03-02", end: "2026-03-02" };
  jobs += 1;
  return {
    jobId: `job-${jobs}`,
    task: taskId(step.id, range),
    run: 1,
    attempt: 1,
    config: step.config,
    confType: step.confType,
    team: step.team,
    mode: step.mode,
    range,
    conf: confObject(step.conf),
    confPath: step.conf.path,
    env: step.env,
    execution: step.execution ?? { properties: {} },
    output: null,
    inputs: [],
    stepDays: step.stepDays,
    timeoutMs: 3_600_000,
  };
}

async function submitted(folder: string): Promise<readonly (readonly [string, string])[]> {
  const runner = at.open();
  const plan = compileFiles(await readConfigs(folder));
  expect(plan.steps.length).toBeGreaterThan(0);
  const answers: [string, string][] = [];
  for (const step of plan.steps) {
    const answer = await runner.submit(specOf(step)).catch((cause: unknown) => String(cause));
    const said = typeof answer === "string" ? answer : answer.kind;
    answers.push([step.id, said]);
  }
  return answers;
}

test("Dataproc takes every job of the example repository, on the cluster its confs name", async () => {
  const answers = await submitted(resolve(here, "examples/payments-risk"));
  for (const [step, said] of answers) expect([step, said]).toEqual([step, "accepted"]);
  const clusters = [...at.server.place.jobs.values()].map((job) => job.resource.placement);
  for (const placement of clusters) expect(placement?.clusterName).toMatch(/^chronon-/);
});

describe.skipIf(absent)("zipline's canary", () => {
  test("Dataproc takes every job of it", async () => {
    const answers = await submitted(resolve(samples, "zipline-gcp-slice"));
    for (const [step, said] of answers) expect([step, said]).toEqual([step, "accepted"]);
  });
});
