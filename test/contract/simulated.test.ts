import { systemClock } from "../../adapters/embedded/clock.ts";
import { rehearsalLake } from "../../adapters/rehearsal/lake.ts";
import { simulatedBus } from "../../adapters/simulated/bus.ts";
import { simulatedTime } from "../../adapters/simulated/clock.ts";
import { simulatedJobs } from "../../adapters/simulated/job-runner.ts";
import { simulatedKeyValueStore } from "../../adapters/simulated/key-value-store.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { randomOf } from "../../adapters/simulated/random.ts";
import { simulatedTaskStore } from "../../adapters/simulated/task-store.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { jobSpecs } from "../support/job-specs.ts";
import { servedBy } from "../support/streams.ts";
import { describeBus } from "./bus.contract.ts";
import { describeClock } from "./clock.contract.ts";
import { describeJobRunner } from "./job-runner.contract.ts";
import { describeKeyValueStore } from "./key-value-store.contract.ts";
import { describeObjectStore } from "./object-store.contract.ts";
import { describeStreamJobs } from "./stream-jobs.contract.ts";
import { describeTaskStore } from "./task-store.contract.ts";

const nothing = async () => {};
const clock = systemClock();

describeTaskStore("simulated", async () => ({ ...simulatedTaskStore(), dispose: nothing }));

describeBus("simulated", async () => {
  const bus = simulatedBus({ clock });
  return {
    open: () => bus.open(),
    publishRaw: async (body) => bus.publishRaw(body),
    dispose: nothing,
  };
});

describeKeyValueStore("simulated", async () => ({
  ...simulatedKeyValueStore(),
  dispose: nothing,
}));

describeObjectStore("simulated", async () => {
  const place = simulatedObjectStore({ clock });
  return { store: place.open(), again: async () => place.open(), close: nothing };
});

describeClock(
  "simulated",
  async () => {
    const time = simulatedTime({
      start: Date.parse("2025-10-02T00:00:00Z"),
      random: randomOf(1),
    });
    const passing = setInterval(() => void time.runUntil(time.now() + 40_000), 1);
    return {
      open: () => time,
      async dispose() {
        clearInterval(passing);
      },
    };
  },
  {
    stepMs: 400_000,
    skip: [
      {
        reason: "its time stands still while anybody is busy",
        tests: ["missed beats are not made up"],
      },
    ],
  },
);

const table = { table: "risk.merchant_features_v1", column: "ds", effect: "overwrites" } as const;
const nowhere = { ...table, table: "no.such.table.with.so.many.parts" };

describeJobRunner("simulated", async () => {
  const lake = simulatedObjectStore({ clock }).open();
  const begun: string[] = [];
  const jobs = simulatedJobs({
    world: {
      lake: rehearsalLake(lake, {}),
      keyValueStore: simulatedKeyValueStore().open(),
      configs: null,
      clock,
      behaviour: RehearsalBehaviour.parse({
        durationMs: 150,
        faults: [
          { step: "fails/backfill", does: "fail" },
          { step: "hangs/backfill", does: "hang" },
        ],
      }),
    },
    told: ({ config, jobId }, { state }) => {
      if (state === "succeeded" && config !== "cannot-run") begun.push(jobId);
    },
  });
  const next = jobSpecs();
  return {
    open: () => jobs.open(),
    job: (conduct, more = {}) =>
      next({ config: conduct, output: conduct === "cannot-run" ? nowhere : table, ...more }),
    starts: async (jobId) => begun.filter((id) => id === jobId).length,
    runs: async () => false,
    dispose: nothing,
  };
});

describeStreamJobs("simulated", async () => {
  const keyValueStore = simulatedKeyValueStore().open();
  await keyValueStore.write(...servedBy("risk.clicks"));
  const jobs = simulatedJobs({
    world: {
      lake: rehearsalLake(simulatedObjectStore({ clock }).open(), {}),
      keyValueStore,
      configs: null,
      flinkState: simulatedObjectStore({ clock }).open(),
      clock,
      behaviour: RehearsalBehaviour.parse({ faults: [{ step: "hangs/backfill", does: "hang" }] }),
    },
  });
  const next = jobSpecs();
  return {
    open: () => jobs.open(),
    stream: (more = {}) =>
      next({ config: "risk.clicks", mode: "streaming", output: null, ...more }),
    batch: () => next({ config: "hangs" }),
    dispose: nothing,
  };
});
