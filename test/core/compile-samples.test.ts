import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfigs } from "../../cli/read-configs.ts";
import type { Plan } from "../../schemas/plan.ts";
import { compileFiles, stepOf, stepsOf } from "../support/configs.ts";

/**
 * Expectations are worked out by hand from the files' JSON and from what Chronon's sources say of
 * it, never from what this code answers.
 */
const samples = resolve(import.meta.dirname, "../../../shared/data/chronon");
const absent = !existsSync(samples);
if (absent) console.log("skipped: the sample repositories of Chronon are not beside this one");

async function planOfSample(name: string): Promise<Plan> {
  return compileFiles(await readConfigs(resolve(samples, name)));
}

const lines = (plan: Plan, id: string) =>
  stepOf(plan, id).inputs.map((input) =>
    [
      input.table,
      `${input.startOffset ?? "unbounded"} to ${input.endOffset}`,
      `${input.startCutOff ?? ""}..${input.endCutOff ?? ""}`,
      input.producedBy ?? "external",
    ].join(" | "),
  );
const errorsOf = (plan: Plan) => plan.problems.filter(({ severity }) => severity === "error");
const modesOf = (plan: Plan, config: string) => stepsOf(plan, config).map((step) => step.mode);

describe.skipIf(absent)("airbnb's sample repository", () => {
  test("compiles whole: 11 GroupBys, of which 10 online, 28 joins, 2 staging queries", async () => {
    const plan = await planOfSample("airbnb-sample");
    expect(plan.problems).toEqual([]);
    const count = (mode: string, type: string) =>
      plan.steps.filter((step) => step.mode === mode && step.confType === type).length;
    expect(count("backfill", "group_bys")).toBe(11);
    expect(count("upload", "group_bys")).toBe(10);
    expect(count("upload-to-kv", "group_bys")).toBe(10);
    expect(count("backfill", "joins")).toBe(28);
    expect(count("backfill", "staging_queries")).toBe(2);
    expect(plan.steps.every((step) => step.flavour === "airbnb")).toBe(true);
  });

  test("entities wait for their snapshot, temporal joins for yesterday's and mutations", async () => {
    const plan = await planOfSample("airbnb-sample");
    const entities = "sample_team.entity_sample_group_by_from_module.v1";
    expect(lines(plan, `${entities}/upload`)).toEqual([
      "sample_table.sample_entity_snapshot | P0D to P0D | 2021-03-01.. | external",
    ]);
    expect(lines(plan, "sample_team.sample_backfill_mutation_join.v0/backfill")).toEqual([
      "sample_namespace.sample_table_group_by | P0D to P0D | 2021-04-09.. | external",
      "sample_table.sample_entity_snapshot | P1D to P1D | 2021-03-01.. | external",
      "sample_table.sample_entity_mutations/hr=00:00 | P0D to P0D | 2021-03-01.. | external",
    ]);
  });

  test("windows: 30 days in both aggregations, none in one of three", async () => {
    const plan = await planOfSample("airbnb-sample");
    expect(lines(plan, "unit_test.user.sample_nested_group_by.v1/upload")).toEqual([
      "random_table_name | P30D to P0D | 2023-03-01.. | external",
    ]);
    expect(lines(plan, "sample_team.group_by_with_kwargs.v1/upload")).toEqual([
      "sample_namespace.sample_table_group_by | unbounded to P0D | 2021-03-01..2021-04-09 | external",
      "sample_namespace.another_sample_table_group_by | unbounded to P0D | 2021-03-01.. | external",
    ]);
  });

  test("a GroupBy chained to a join, and joins that read others' tables", async () => {
    const plan = await planOfSample("airbnb-sample");
    const parent = "sample_team.sample_chaining_join.parent_join";
    expect(lines(plan, "sample_team.sample_chaining_group_by/upload")).toEqual([
      `chronon_db.sample_team_sample_chaining_join_parent_join | unbounded to P0D | 2023-04-15.. | ${parent}`,
    ]);
    expect(lines(plan, "sample_team.sample_join.v1/backfill")).toEqual([
      "sample_namespace.sample_team_sample_staging_query_v1 | P0D to P0D | 2021-03-01.. | sample_team.sample_staging_query.v1",
    ]);
    expect(lines(plan, "sample_team.sample_join_bootstrap.v2/backfill").slice(-2)).toEqual([
      "chronon_db.sample_team_sample_join_bootstrap_v1 | P0D to P0D | ..2023-01-01 | sample_team.sample_join_bootstrap.v1",
      "chronon_db.sample_team_sample_join_bootstrap_v2_logged | P0D to P0D | .. | external",
    ]);
  });

  test("schedules: a start date asks for a backfill, @never is on command", async () => {
    const plan = await planOfSample("airbnb-sample");
    expect(stepOf(plan, "sample_team.sample_group_by_group_by.v1/backfill")).toMatchObject({
      schedule: "@daily",
      pipeline: "chronon_gb_batch_sample_team",
    });
    expect(stepOf(plan, "sample_team.event_sample_group_by.v1/backfill").schedule).toBeNull();
    expect(stepOf(plan, "sample_team.sample_join.never/backfill")).toMatchObject({
      schedule: null,
      pipeline: "chronon_join_backfill",
    });
  });

  test("environments inherit from default, then the team, then the conf", async () => {
    const plan = await planOfSample("airbnb-sample");
    expect(stepOf(plan, "sample_team.sample_join.v1/backfill").env).toMatchObject({
      VERSION: "latest",
      EXECUTOR_CORES: "4",
      DRIVER_MEMORY: "15G",
      EXECUTOR_MEMORY: "9G",
    });
  });
});

describe.skipIf(absent)("zipline's sample repository", () => {
  test("names what is wrong, each with its file", async () => {
    const plan = await planOfSample("zipline-sample");
    const files = (part: string) =>
      errorsOf(plan)
        .filter(({ message }) => message.includes(part))
        .map(({ file }) => file.split("/").slice(-3).join("/"));
    expect(files("{{ logged_table }}")).toEqual([
      "joins/sample_team/sample_join_bootstrap.v1__0",
      "joins/sample_team/sample_join_bootstrap.v2__0",
    ]);
    expect(files("has no metaData.name")).toEqual([
      "group_bys/sample_team/chaining_group_by.chaining_group_by_v1",
      "group_bys/sample_team/sample_chaining_group_by.chaining_group_by_v1",
      "joins/sample_team/sample_chaining_join.v1",
    ]);
    expect(files("is also used by")).toEqual([
      "group_bys/sample_team/sample_group_by_group_by.require_backfill",
    ]);
    expect(files("upload-to-kv only reads")).toHaveLength(11);
    expect(errorsOf(plan)).toHaveLength(2 + 3 + 1 + 11);
  });

  test("the templates hide nobody but their joins", async () => {
    const plan = await planOfSample("zipline-sample");
    expect(modesOf(plan, "sample_team.sample_join_bootstrap.v1__0")).toEqual([]);
    expect(modesOf(plan, "sample_team.sample_join_bootstrap.v1")).toEqual(["backfill"]);
    expect(modesOf(plan, "sample_team.sample_online_join.v1__0")).toEqual(["backfill"]);
  });

  test("uploads with another column than ds are made and not loaded", async () => {
    const plan = await planOfSample("zipline-sample");
    expect(modesOf(plan, "quickstart.users.v1__0")).toEqual(["backfill", "upload"]);
    expect(stepOf(plan, "quickstart.users.v1__0/upload")).toMatchObject({
      outputColumn: "_DATE",
      output: "quickstart.quickstart_users_v1__0__upload",
      env: { GCP_PROJECT_ID: "canary-443022", GCP_REGION: "us-central1" },
    });
    expect(modesOf(plan, "sample_team.group_by_with_kwargs.v1")).toEqual([
      "backfill",
      "upload",
      "upload-to-kv",
    ]);
  });

  test("a year of events behind a bounded window; an offline schedule asks for a backfill", async () => {
    const plan = await planOfSample("zipline-sample");
    const merchant = "risk.transaction_events.txn_group_by_merchant__0";
    expect(lines(plan, `${merchant}/upload`)).toEqual([
      "data.txn_events | P365D to P0D | .. | external",
    ]);
    expect(stepOf(plan, `${merchant}/backfill`)).toMatchObject({ schedule: null, stepDays: 15 });
    expect(stepOf(plan, "sample_team.sample_group_by.require_backfill__0/backfill")).toMatchObject({
      schedule: "@daily",
      pipeline: "chronon_gb_batch_sample_team",
      stepDays: 1,
    });
  });

  test("a staging query reads the day before, as its dependency says and Airflow's does not", async () => {
    const plan = await planOfSample("zipline-sample");
    expect(lines(plan, "sample_team.sample_staging_query.v1__0/backfill")).toEqual([
      "sample_namespace.sample_table | P1D to P1D | .. | external",
    ]);
  });

  test("a GroupBy of a GroupBy, by the name of its table", async () => {
    const plan = await planOfSample("zipline-sample");
    expect(lines(plan, "sample_team.sample_group_by_group_by.v1__0/backfill")).toEqual([
      "sample_namespace.sample_team_sample_group_by_require_backfill__0 | unbounded to P0D | 2021-04-09.. | sample_team.sample_group_by.require_backfill__0",
    ]);
  });

  test("models are listed, and joins whose check nobody can run", async () => {
    const plan = await planOfSample("zipline-sample");
    const listed = plan.notScheduled.map(({ config, reason }) => [config, reason.slice(0, 32)]);
    expect(listed).toEqual([
      ["quickstart.test.model__1.0", "models are not scheduled; train "],
      ["risk.transaction_model.model__1.0", "models are not scheduled; train "],
      ["sample_team.sample_chaining_join.v1__0", "its consistency is not checked, "],
      ["sample_team.sample_chaining_join_parent.parent_join", "its consistency is not checked, "],
      [
        "sample_team.sample_chaining_join_parent.parent_join__0",
        "its consistency is not checked, ",
      ],
      ["sample_team.sample_online_join.v1", "its consistency is not checked, "],
      ["sample_team.sample_online_join.v1__0", "its consistency is not checked, "],
    ]);
  });
});

describe.skipIf(absent)("the canary's staging queries", () => {
  test("a pinned start, columns of their own, exports of one another", async () => {
    const plan = await planOfSample("zipline-gcp-slice");
    expect(plan.problems).toEqual([]);
    expect(lines(plan, "gcp.cutoff_example.downstream__0/backfill")).toEqual([
      "data.gcp_cutoff_example_export_a__0 | P0D to P0D | .. | gcp.cutoff_example.export_a__0",
      "data.gcp_cutoff_example_export_b__0 | unbounded to P0D | 2026-02-25.. | gcp.cutoff_example.export_b__0",
    ]);
    const exported = stepOf(plan, "gcp.exports.user_activities__0/backfill");
    expect(exported).toMatchObject({ stepDays: 30, output: "data.gcp_exports_user_activities__0" });
    expect(exported.inputs).toMatchObject([
      { table: "demo.user-activities", partitionColumn: "_PARTITIONTIME" },
    ]);
    expect(exported.env).toMatchObject({ SPARK_CLUSTER_NAME: "zipline-canary-cluster" });
  });
});
