import { describe, expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import {
  compileFiles,
  entities,
  events,
  file,
  groupBy,
  join,
  problemLines,
  stagingQuery,
  stepOf,
  stepsOf,
} from "../support/configs.ts";

const ds = { partitionColumn: "ds" };
const today = { startOffset: "P0D", endOffset: "P0D", ...ds };
const online = { online: 1 };

describe("an online GroupBy", () => {
  const plan = compileFiles([file("group_bys", groupBy("risk.clicks.v1", {}, online))]);

  test("is uploaded as soon as its sources are there, then loaded", () => {
    const upload = stepOf(plan, "risk.clicks.v1/upload");
    expect(upload).toMatchObject({
      pipeline: "chronon_gb_batch_risk",
      schedule: "@daily",
      after: [],
      output: "out.risk_clicks_v1__upload",
      effect: "overwrites",
      strategy: "latest-only",
      stepDays: 1,
    });
    expect(upload.inputs).toEqual([
      { table: "data.events", startOffset: "P7D", endOffset: "P0D", ...ds },
    ]);
    const load = stepOf(plan, "risk.clicks.v1/upload-to-kv");
    expect(load).toMatchObject({
      pipeline: "chronon_gb_batch_risk",
      schedule: "@daily",
      after: ["risk.clicks.v1/upload"],
      effect: "none",
      verification: "serving-info",
      strategy: "latest-only",
    });
    expect(load.inputs).toEqual([
      { table: "out.risk_clicks_v1__upload", ...today, producedBy: "risk.clicks.v1" },
    ]);
    expect(load.output).toBeUndefined();
  });

  test("is backfilled on command", () => {
    expect(stepOf(plan, "risk.clicks.v1/backfill")).toMatchObject({
      pipeline: "chronon_gb_backfill",
      schedule: null,
      output: "out.risk_clicks_v1",
      effect: "overwrites",
      strategy: "every",
      stepDays: 15,
    });
  });

  test("its pipelines list what is in them", () => {
    expect(plan.pipelines).toEqual([
      { name: "chronon_gb_backfill", schedule: null, steps: ["risk.clicks.v1/backfill"] },
      {
        name: "chronon_gb_batch_risk",
        schedule: "@daily",
        team: "risk",
        steps: ["risk.clicks.v1/upload", "risk.clicks.v1/upload-to-kv"],
      },
    ]);
  });

  test("its tables are known with who writes them", () => {
    expect(
      plan.tables.map(({ name, external, producedBy }) => [name, external, producedBy]),
    ).toEqual([
      ["data.events", true, undefined],
      ["out.risk_clicks_v1", false, "risk.clicks.v1"],
      ["out.risk_clicks_v1__upload", false, "risk.clicks.v1"],
    ]);
  });

  test("a team may want the backfill of a day before its upload", () => {
    const wanting = Settings.parse({ teams: { risk: { backfillBeforeUpload: true } } });
    const other = file("group_bys", groupBy("ads.clicks", {}, online));
    const files = [file("group_bys", groupBy("risk.clicks", {}, online)), other];
    const changed = compileFiles(files, { settings: wanting });
    expect(stepOf(changed, "risk.clicks/upload").after).toEqual(["risk.clicks/backfill"]);
    expect(stepOf(changed, "risk.clicks/backfill")).toMatchObject({
      schedule: "@daily",
      pipeline: "chronon_gb_batch_risk",
    });
    expect(stepOf(changed, "ads.clicks/upload").after).toEqual([]);
  });

  test("without its upload column being ds it is not loaded, and that is an error", () => {
    const executionInfo = { conf: { common: { "spark.chronon.partition.column": "_DATE" } } };
    const conf = groupBy("risk.gb", {}, { ...online, executionInfo });
    const odd = compileFiles([file("group_bys", conf)]);
    expect(stepsOf(odd, "risk.gb").map((step) => step.mode)).toEqual(["backfill", "upload"]);
    expect(stepOf(odd, "risk.gb/upload").outputColumn).toBe("_DATE");
    expect(odd.problems).toMatchObject([{ severity: "error", config: "risk.gb" }]);
    expect(odd.problems[0]?.message).toContain("_DATE");
  });
});

describe("schedules", () => {
  const scheduled = (executionInfo: object, metaData: object = {}) =>
    compileFiles([file("group_bys", groupBy("risk.gb", {}, { executionInfo, ...metaData }))]);

  test("@never and nothing are on command", () => {
    for (const offlineSchedule of ["@never", "", "none", "None", "null"]) {
      expect(stepOf(scheduled({ offlineSchedule }), "risk.gb/backfill").schedule).toBeNull();
    }
    const plan = scheduled({ onlineSchedule: "@never" }, online);
    expect(stepOf(plan, "risk.gb/upload").schedule).toBeNull();
    expect(stepOf(plan, "risk.gb/upload-to-kv").schedule).toBeNull();
  });

  test("a cron stays as it is written", () => {
    const plan = scheduled({ offlineSchedule: "17 0 * * *" });
    expect(stepOf(plan, "risk.gb/backfill")).toMatchObject({
      schedule: "17 0 * * *",
      pipeline: "chronon_gb_batch_risk",
    });
  });

  test("an online schedule means nothing to a GroupBy that is not online", () => {
    const plan = scheduled({ onlineSchedule: "@daily" }, { online: 0 });
    expect(stepsOf(plan, "risk.gb").map((step) => step.mode)).toEqual(["backfill"]);
    expect(stepOf(plan, "risk.gb/backfill").schedule).toBeNull();
  });

  test("the old schema asks for a backfill by its start date only", () => {
    const old = { root: "production" };
    const metaData = { offlineSchedule: "@daily" };
    const conf = groupBy("risk.gb", {}, metaData);
    const asking = groupBy("risk.gb", { backfillStartDate: "2023-01-01" }, metaData);
    const schedule = (of: object) =>
      stepOf(compileFiles([file("group_bys", { ...of }, old)]), "risk.gb/backfill").schedule;
    expect(schedule(conf)).toBeNull();
    expect(schedule(asking)).toBe("@daily");
  });

  test("what is no schedule is an error that names it", () => {
    const plan = scheduled({ offlineSchedule: "daily-ish" });
    expect(plan.steps).toEqual([]);
    expect(problemLines(plan)).toEqual([
      'error compiled/group_bys/risk/gb: schedule "daily-ish" is neither @daily, @never nor a cron',
    ]);
  });

  test("a schedule of many times a day is remarked on", () => {
    const plan = scheduled({ offlineSchedule: "*/5 * * * *" });
    expect(plan.problems).toMatchObject([{ severity: "warning" }]);
    expect(stepOf(plan, "risk.gb/backfill").schedule).toBe("*/5 * * * *");
  });

  test("airbnb joins are daily unless told otherwise, zipline's on command", () => {
    const plan = compileFiles([
      file("joins", join("risk.a"), { root: "production" }),
      file("joins", join("risk.b", {}, { offlineSchedule: "@never" }), { root: "production" }),
      file("joins", join("risk.c"), { root: "compiled" }),
      file("joins", join("risk.d", {}, { executionInfo: { offlineSchedule: "@daily" } })),
    ]);
    const shown = plan.steps.map((step) => [step.config, step.schedule, step.pipeline]);
    expect(shown).toEqual([
      ["risk.a", "@daily", "chronon_join_batch_risk"],
      ["risk.b", null, "chronon_join_backfill"],
      ["risk.c", null, "chronon_join_backfill"],
      ["risk.d", "@daily", "chronon_join_batch_risk"],
    ]);
  });
});

describe("flavours", () => {
  const gb = groupBy("risk.gb", {}, online);
  const airbnb = { root: "production" };

  test("airbnb's upload rewrites its whole table, named with one underscore", () => {
    expect(stepOf(compileFiles([file("group_bys", gb, airbnb)]), "risk.gb/upload")).toMatchObject({
      flavour: "airbnb",
      output: "out.risk_gb_upload",
      effect: "rewrites-table",
      verification: "table",
    });
  });

  test("what fills and what overwrites", () => {
    const effects = (root: string) =>
      compileFiles([
        file("group_bys", groupBy("risk.gb"), { root }),
        file("joins", join("risk.join"), { root }),
        file("staging_queries", stagingQuery("risk.sq"), { root }),
      ]).steps.map((step) => [step.confType, step.effect, step.stepDays]);
    expect(effects("production")).toEqual([
      ["group_bys", "fills", 30],
      ["joins", "fills", 30],
      ["staging_queries", "fills", 30],
    ]);
    expect(effects("compiled")).toEqual([
      ["group_bys", "overwrites", 15],
      ["joins", "fills", 1],
      ["staging_queries", "fills", 1],
    ]);
  });

  test("entities are backfilled a day at a time, and a conf may say how many", () => {
    const sources = [entities("data.users")];
    const info = { executionInfo: { stepDays: 4 } };
    const plan = compileFiles([
      file("group_bys", groupBy("risk.a", { sources })),
      file("group_bys", groupBy("risk.b", { sources }, info)),
    ]);
    expect(plan.steps.map((step) => step.stepDays)).toEqual([1, 4]);
  });

  test("without historical backfill what fills only its last day is done a day at a time", () => {
    const without = {
      historicalBackfill: 0,
      executionInfo: { stepDays: 30, historicalBackfill: 0 },
    };
    const days = (of: ReturnType<typeof file>) => compileFiles([of]).steps[0]?.stepDays;
    expect(days(file("joins", join("risk.join", {}, without)))).toBe(1);
    expect(days(file("group_bys", groupBy("risk.gb", {}, without)))).toBe(30);
    const old = { root: "production" };
    expect(days(file("group_bys", groupBy("risk.gb", {}, { historicalBackfill: 0 }), old))).toBe(1);
    expect(days(file("group_bys", groupBy("risk.gb", {}, { historicalBackfill: 1 }), old))).toBe(
      30,
    );
  });

  test("a conf with executionInfo is zipline's wherever it lies", () => {
    const conf = groupBy("risk.gb", {}, { executionInfo: { historicalBackfill: 0 } });
    const plan = compileFiles([file("group_bys", conf, airbnb)]);
    expect(stepOf(plan, "risk.gb/backfill").flavour).toBe("zipline");
  });

  test("a table zipline was told of wins over the rule", () => {
    const executionInfo = { outputTableInfo: { table: "elsewhere.table" } };
    const plan = compileFiles([
      file("group_bys", groupBy("risk.gb", {}, { ...online, executionInfo })),
    ]);
    expect(stepOf(plan, "risk.gb/backfill").output).toBe("elsewhere.table");
    expect(stepOf(plan, "risk.gb/upload").output).toBe("elsewhere.table__upload");
  });

  test("models are listed and not scheduled", () => {
    const model = { metaData: { name: "risk.model__1.0", team: "risk" } };
    const plan = compileFiles([
      file("models", model),
      file("model_transforms", { metaData: { name: "risk.transforms", team: "risk" } }),
    ]);
    expect(plan.steps).toEqual([]);
    expect(plan.problems).toEqual([]);
    expect(plan.notScheduled.map(({ config }) => config)).toEqual([
      "risk.model__1.0",
      "risk.transforms",
    ]);
  });
});

describe("the semantic hash", () => {
  const hashOf = (more: object, metaData: object = {}) =>
    stepOf(
      compileFiles([file("group_bys", groupBy("risk.gb", { ...more }, { ...metaData }))]),
      "risk.gb/backfill",
    ).semanticHash;

  test("does not see metadata, topics and the order of keys", () => {
    const plain = hashOf({});
    expect(hashOf({}, { description: "new" })).toBe(plain);
    expect(hashOf({ sources: [events("data.events", {}, { topic: "clicks" })] })).toBe(plain);
    const [first, ...rest] = Object.entries(groupBy("risk.gb"));
    const reordered = Object.fromEntries([...rest, first ?? ["", ""]]);
    expect(hashOf(reordered)).toBe(plain);
  });

  test("sees everything else, at any depth", () => {
    expect(hashOf({ keyColumns: ["merchant"] })).not.toBe(hashOf({}));
    expect(hashOf({ sources: [events("data.events", { wheres: ["x"] })] })).not.toBe(hashOf({}));
  });
});
