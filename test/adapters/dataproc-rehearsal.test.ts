import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { rehearsalLake } from "../../adapters/rehearsal/lake.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { rehearsalWork } from "../support/dataproc/rehearsal-work.ts";
import { type DataprocPlace, dataprocPlace, jobEnv } from "../support/dataproc-place.ts";
import { input, planOf, step } from "../support/plan.ts";
import { type RehearsalPlace, rehearsalPlace } from "../support/rehearsal-place.ts";
import { jobOf } from "../support/tracker-place.ts";

let at: DataprocPlace;
let lake: RehearsalPlace;
afterEach(async () => {
  await at.close();
  await lake.close();
});

test("a job on Dataproc writes the commits that Chronon would, and is silent where Chronon is", async () => {
  lake = rehearsalPlace();
  const plan = planOf(step("risk.daily", [input("data.events")], { output: "out.daily" }));
  const world = {
    lake: rehearsalLake(lake.lake, {}),
    keyValueStore: lake.keyValueStore,
    configs: null,
    clock: systemClock(),
    behaviour: RehearsalBehaviour.parse({ durationMs: 0 }),
  };
  const work = rehearsalWork(world, { step: (id) => plan.step(id), spec: jobOf });
  at = await dataprocPlace({ work });
  const runner = at.open();
  await lake.land("data/events", "2026-03-01");
  const daily = plan.step("risk.daily/backfill");
  if (daily === undefined) throw new Error("no step");
  const jobs = ["2026-03-01", "2026-03-02"].map((day) =>
    jobOf(
      daily,
      { start: day, end: day },
      { env: { ...jobEnv, SPARK_CLUSTER_NAME: "chronon-risk" } },
    ),
  );
  const ends = jobs.map(({ jobId }) => endOf(runner.statuses(), jobId));
  for (const job of jobs) expect(await runner.submit(job)).toEqual({ kind: "accepted" });
  for (const end of await Promise.all(ends)) expect(end.state).toBe("succeeded");
  const commits = await lake.commits("out/daily");
  expect(commits.map(({ jobId, adds }) => ({ jobId, days: adds.map(({ day }) => day) }))).toEqual([
    { jobId: jobs[0]?.jobId, days: ["2026-03-01"] },
  ]);
});
