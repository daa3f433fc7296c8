import { describe, expect, test } from "vitest";
import { Plan } from "../../schemas/plan.ts";
import { compileFiles, events, file, groupBy, join, stepOf } from "../support/configs.ts";

const online = { online: 1 };

describe("how a conf wants its jobs run by a cluster", () => {
  const executed = (executionInfo: object) =>
    compileFiles([file("group_bys", groupBy("risk.gb", {}, { ...online, executionInfo }))]);

  test("a mode's properties stand alone, else the common ones; the cluster is the conf's own", () => {
    const plan = executed({
      env: {
        common: { SPARK_CLUSTER_NAME: "all" },
        modeEnvironments: { upload: { SPARK_CLUSTER_NAME: "uploads" } },
      },
      conf: { common: { b: "1", a: "1" }, modeConfigs: { upload: { b: "2" } } },
      clusterConf: {
        common: { "dataproc.config": '{"common":1}' },
        modeClusterConfigs: { upload: { "dataproc.config": '{"upload":1}' } },
      },
    });
    expect(Plan.parse(plan)).toEqual(plan);
    expect(stepOf(plan, "risk.gb/upload").execution).toEqual({
      properties: { b: "2" },
      cluster: "uploads",
      clusterConfig: '{"upload":1}',
    });
    expect(stepOf(plan, "risk.gb/backfill").execution).toEqual({
      properties: { a: "1", b: "1" },
      cluster: "all",
      clusterConfig: '{"common":1}',
    });
  });

  test("the older name of the variable is read too", () => {
    const plan = executed({ env: { common: { GCP_DATAPROC_CLUSTER_NAME: "canary-2" } } });
    expect(stepOf(plan, "risk.gb/upload").execution).toEqual({
      properties: {},
      cluster: "canary-2",
    });
  });

  test("a team's cluster is in the environment and not the conf's own; silence is nothing", () => {
    const teams = { risk: { common_env: { SPARK_CLUSTER_NAME: "teams" } } };
    const plan = compileFiles([
      { path: "teams.json", text: JSON.stringify(teams) },
      file("group_bys", groupBy("risk.gb")),
    ]);
    const step = stepOf(plan, "risk.gb/backfill");
    expect(step.env).toEqual({ SPARK_CLUSTER_NAME: "teams" });
    expect(step.execution).toBeUndefined();
  });
});

describe("environments", () => {
  const teams = {
    default: {
      common_env: { VERSION: "1", REGION: "us" },
      production: { upload: { MEMORY: "8G" }, backfill: { MEMORY: "4G", CORES: 1 } },
    },
    risk: { common_env: { REGION: "eu" }, production: { backfill: { MEMORY: "16G" } } },
    broken_but_not_ours: { team_name: "x" },
  };
  const teamsFile = { path: "teams.json", text: JSON.stringify(teams) };

  test("default's, then the team's, then the conf's own", () => {
    const conf = groupBy("risk.gb", {}, { ...online, modeToEnvMap: { backfill: { CORES: "9" } } });
    const plan = compileFiles([teamsFile, file("group_bys", conf, { root: "production" })]);
    expect(stepOf(plan, "risk.gb/backfill").env).toEqual({
      CORES: "9",
      MEMORY: "16G",
      REGION: "eu",
      VERSION: "1",
    });
    expect(stepOf(plan, "risk.gb/upload").env).toEqual({
      MEMORY: "8G",
      REGION: "eu",
      VERSION: "1",
    });
  });

  test("zipline's, common and by mode, old shape and new", () => {
    const env = { common: { A: "1", B: "1" }, modeEnvironments: { upload: { B: "2" } } };
    const old = { backfill: { EXECUTOR_MEMORY: "9G" } };
    const plan = compileFiles([
      file("group_bys", groupBy("risk.new", {}, { ...online, executionInfo: { env } })),
      file("group_bys", groupBy("risk.old", {}, { executionInfo: { env: old } })),
    ]);
    expect(stepOf(plan, "risk.new/upload").env).toEqual({ A: "1", B: "2" });
    expect(stepOf(plan, "risk.new/upload-to-kv").env).toEqual({ A: "1", B: "1" });
    expect(stepOf(plan, "risk.old/backfill").env).toEqual({ EXECUTOR_MEMORY: "9G" });
  });

  test("team metadata gives partition columns and environment to its own root", () => {
    const metadata = {
      executionInfo: {
        conf: { common: { "spark.chronon.partition.column": "day" } },
        env: { common: { A: "1" } },
      },
    };
    const path = "compiled/teams_metadata/risk/risk_team_metadata";
    const plan = compileFiles([
      { path, text: JSON.stringify(metadata) },
      file("group_bys", groupBy("risk.gb")),
      file("group_bys", groupBy("risk.old"), { root: "production" }),
    ]);
    const step = stepOf(plan, "risk.gb/backfill");
    expect(step).toMatchObject({ outputColumn: "day", env: { A: "1" } });
    expect(step.inputs[0]?.partitionColumn).toBe("day");
    expect(stepOf(plan, "risk.old/backfill")).toMatchObject({ outputColumn: "ds", env: {} });
  });

  test("a team's namespace is where its tables go when a conf does not say", () => {
    const entries = {
      path: "teams.json",
      text: JSON.stringify({ risk: { namespace: "risk_db" } }),
    };
    const conf = groupBy("risk.gb", {}, { outputNamespace: undefined });
    const plan = compileFiles([entries, file("group_bys", conf)]);
    expect(stepOf(plan, "risk.gb/backfill").output).toBe("risk_db.risk_gb");
  });
});

test("a plan is what its schema says, and reads back as the same text", () => {
  const plan = compileFiles([
    file("group_bys", groupBy("risk.gb", {}, online)),
    file(
      "joins",
      join("risk.join", { left: events("out.risk_gb", { endPartition: "2025-01-01" }) }),
    ),
  ]);
  const text = JSON.stringify(plan);
  expect(JSON.stringify(Plan.parse(JSON.parse(text)))).toBe(text);
});
