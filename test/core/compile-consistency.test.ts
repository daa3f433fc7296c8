import { describe, expect, test } from "vitest";
import type { Plan } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import {
  compileFiles,
  entities,
  events,
  file,
  groupBy,
  join,
  stepOf,
  stepsOf,
} from "../support/configs.ts";

const logs = { logTable: "logs.requests", schemaTable: "logs.schemas" };
const sampled = { online: 1, samplePercent: 10, consistencySamplePercent: 5 };
const parts = [{ groupBy: groupBy("risk.clicks.v1") }];

/** The plan of one join of two parts, both over what was logged. */
function planOf(
  metaData: object = sampled,
  {
    consistency = logs,
    root = "compiled",
    ...more
  }: { consistency?: object; root?: string } & object = {},
): Plan {
  const conf = join("risk.checkout.v1", { joinParts: parts }, { ...metaData });
  return compileFiles([file("joins", conf, { root })], {
    settings: Settings.parse({ consistency, ...more }),
  });
}

const modesOf = (plan: Plan) => stepsOf(plan, "risk.checkout.v1").map(({ mode }) => mode);
const readsOf = (plan: Plan, mode: string) =>
  stepOf(plan, `risk.checkout.v1/${mode}`).inputs.map(
    ({ table, startOffset, endOffset, producedBy }) =>
      `${table} ${startOffset}..${endOffset}${producedBy === undefined ? "" : " own"}`,
  );

const whole = [
  "backfill",
  "build-comparison-table",
  "consistency-metrics-compute",
  "log-flattener",
  "publish-metrics",
];

describe("the consistency check of a join", () => {
  test("its steps meet in the tables they write, each day on its own", () => {
    const plan = planOf();
    expect(modesOf(plan)).toEqual(whole);
    expect(readsOf(plan, "log-flattener")).toEqual([
      "logs.requests P0D..P0D",
      "logs.schemas P0D..P0D",
    ]);
    expect(readsOf(plan, "build-comparison-table")).toEqual([
      "out.risk_checkout_v1_logged P0D..P0D own",
      "data.events P7D..P0D",
    ]);
    expect(readsOf(plan, "consistency-metrics-compute")).toEqual([
      "out.risk_checkout_v1_logged P0D..P0D own",
      "out.risk_checkout_v1_comparison P0D..P0D own",
    ]);
    expect(readsOf(plan, "publish-metrics")).toEqual([
      "out.risk_checkout_v1_consistency P0D..P0D own",
    ]);
    for (const mode of whole.slice(1)) {
      expect(stepOf(plan, `risk.checkout.v1/${mode}`)).toMatchObject({
        pipeline: "chronon_join_ooc_risk",
        schedule: "@daily",
        after: [],
        stepDays: 1,
        strategy: "every",
        effect: mode === "publish-metrics" ? "none" : "fills",
        verification: mode === "publish-metrics" ? "published" : "partitions",
      });
    }
    expect(plan.notScheduled).toEqual([]);
  });

  test("the log-flattener is told the tables that its step waits for, and nobody else is", () => {
    const plan = planOf();
    expect(stepOf(plan, "risk.checkout.v1/log-flattener").env).toEqual({
      CHRONON_LOG_TABLE: "logs.requests",
      CHRONON_SCHEMA_TABLE: "logs.schemas",
    });
    expect(stepOf(plan, "risk.checkout.v1/build-comparison-table").env).toEqual({});
  });

  test("what a conf or its team says of the log wins, table by table", () => {
    const env = { common: { CHRONON_LOG_TABLE: "ads.requests" } };
    const plan = planOf({ ...sampled, executionInfo: { env } });
    expect(readsOf(plan, "log-flattener")).toEqual([
      "ads.requests P0D..P0D",
      "logs.schemas P0D..P0D",
    ]);
    expect(stepOf(plan, "risk.checkout.v1/log-flattener").env).toMatchObject({
      CHRONON_LOG_TABLE: "ads.requests",
      CHRONON_SCHEMA_TABLE: "logs.schemas",
    });
  });

  test("the join is computed again as one of events, whatever its own left side is", () => {
    const profile = groupBy("risk.profile.v1", {
      sources: [entities("crm.users", {}, { mutationTable: "crm.changes", mutationTopic: "t" })],
    });
    const conf = join(
      "risk.checkout.v1",
      { left: entities("crm.accounts"), joinParts: [{ groupBy: profile }] },
      sampled,
    );
    const plan = compileFiles([file("joins", conf)], {
      settings: Settings.parse({ consistency: logs }),
    });
    expect(readsOf(plan, "backfill")).toEqual(["crm.accounts P0D..P0D", "crm.users P0D..P0D"]);
    expect(readsOf(plan, "build-comparison-table")).toEqual([
      "out.risk_checkout_v1_logged P0D..P0D own",
      "crm.users P1D..P1D",
      "crm.changes P0D..P0D",
    ]);
  });

  test("without a step for the comparison table, computing the metrics waits for its sources", () => {
    const own = { consistency: { ...logs, comparisonStep: false } };
    const ofTeam = { teams: { risk: { comparisonStep: false } } };
    const needless = { ...own, teams: { risk: { comparisonStep: true } } };
    for (const settings of [own, ofTeam]) {
      const plan = planOf(sampled, settings);
      expect(modesOf(plan)).toEqual(whole.filter((mode) => mode !== "build-comparison-table"));
      expect(readsOf(plan, "consistency-metrics-compute")).toEqual([
        "out.risk_checkout_v1_logged P0D..P0D own",
        "data.events P7D..P0D",
      ]);
    }
    expect(modesOf(planOf(sampled, needless))).toEqual(whole);
  });

  test("its log's day is in ds, whatever the team calls its own column", () => {
    const conf = { common: { "spark.chronon.partition.column": "day" } };
    const plan = planOf({ ...sampled, executionInfo: { conf } });
    const columns = Object.fromEntries(
      plan.tables.map((table) => [table.name, table.partitionColumns]),
    );
    expect(columns).toMatchObject({
      "logs.requests": ["ds"],
      "out.risk_checkout_v1_logged": ["ds"],
      "out.risk_checkout_v1_comparison": ["day"],
      "out.risk_checkout_v1_consistency": ["ds"],
    });
    expect(plan.problems).toEqual([]);
  });

  test("a schema table that a GroupBy of the release writes is an edge like any other", () => {
    const schemas = groupBy("logs.schemas", { sources: [events("logs.published")] });
    const conf = join("risk.checkout.v1", { joinParts: parts }, sampled);
    const plan = compileFiles([file("joins", conf), file("group_bys", schemas)], {
      settings: Settings.parse({ consistency: { ...logs, schemaTable: "out.logs_schemas" } }),
    });
    expect(stepOf(plan, "risk.checkout.v1/log-flattener").inputs[1]).toMatchObject({
      table: "out.logs_schemas",
      producedBy: "logs.schemas",
    });
  });
});

describe("a join whose check would do nothing has no steps for it", () => {
  const none: readonly (readonly [string, object])[] = [
    ["it is not online", { ...sampled, online: 0 }],
    ["its fetchers log nothing", { ...sampled, samplePercent: 0 }],
    ["nobody says what they log", { online: 1, consistencySamplePercent: 5 }],
    ["nothing of it is compared", { ...sampled, consistencySamplePercent: 0 }],
    ["zipline's default compares nothing", { online: 1, samplePercent: 100 }],
    ["it says that no check is wanted", { ...sampled, consistencyCheck: 0 }],
  ];
  test.each(none)("%s", (_, metaData) => {
    const plan = planOf(metaData);
    expect(modesOf(plan)).toEqual(["backfill"]);
    expect(plan.notScheduled).toEqual([]);
  });

  const airbnb: readonly (readonly [string, object, boolean])[] = [
    ["all have a percentage, so the check is asked for", { ...sampled }, false],
    ["it is asked for", { ...sampled, customJson: '{"check_consistency": true}' }, true],
    ["it is not", { ...sampled, customJson: '{"check_consistency": false}' }, false],
    [
      "without a percentage all is compared",
      { online: 1, samplePercent: 9, customJson: '{"check_consistency": true}' },
      true,
    ],
    ["what is no JSON asks for nothing", { ...sampled, customJson: "{" }, false],
  ];
  test.each(airbnb)("airbnb: %s", (_, metaData, checked) => {
    const plan = planOf(metaData, { root: "production" });
    const steps = whole.filter((mode) => mode !== "build-comparison-table");
    expect(modesOf(plan)).toEqual(checked ? steps : ["backfill"]);
  });
});

describe("a join whose fetchers log to nobody knows where", () => {
  test("has no steps for its check, is listed with what to do, and decides as before", () => {
    const plan = planOf(sampled, { consistency: { logTable: "logs.requests" } });
    expect(modesOf(plan)).toEqual(["backfill"]);
    expect(plan.problems).toEqual([]);
    expect(plan.notScheduled).toEqual([
      {
        config: "risk.checkout.v1",
        reason: expect.stringMatching(
          /^its consistency is not checked, .*consistency\.schemaTable/,
        ) as string,
      },
    ]);
  });

  test("a table nobody could be called is an error with its file", () => {
    const plan = planOf(sampled, { consistency: { ...logs, logTable: "{{ log }}" } });
    expect(modesOf(plan)).toEqual([]);
    expect(plan.problems).toMatchObject([{ severity: "error", config: "risk.checkout.v1" }]);
  });
});
