import { describe, expect, test } from "vitest";
import { explainTask } from "../../core/explain.ts";
import { instancesNamed } from "../../core/instances.ts";
import { indexPlan } from "../../core/plan-index.ts";
import { Plan } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import { compileFiles, file, groupBy, join, problemLines, stepOf } from "../support/configs.ts";
import { world } from "../support/world.ts";

const teamsFile = (teams: object) => ({ path: "teams.json", text: JSON.stringify(teams) });
const online = { online: 1 };
const upload = (config: string) => `${config}/upload`;

describe("what teams.json says of a team's jobs", () => {
  const teams = {
    default: { team_name: "default", user: "chronon", bigtable_instance: "features" },
    risk: { bigtable_instance: "risk-features", dataproc_staging_bucket: "gs://risk-staging/" },
    growth: {
      bigtable_instance: "growth-features",
      common_env: { GCP_BIGTABLE_INSTANCE_ID: "of-the-env" },
    },
  };
  const plan = compileFiles([
    teamsFile(teams),
    file("group_bys", groupBy("risk.gb", {}, online)),
    file("group_bys", groupBy("growth.gb", {}, online)),
    file("joins", join("other.j")),
  ]);

  test("user and staging bucket are how its jobs are run", () => {
    expect(Plan.parse(plan)).toEqual(plan);
    expect(stepOf(plan, upload("risk.gb")).execution).toEqual({
      properties: {},
      user: "chronon",
      stagingBucket: "risk-staging",
    });
    expect(stepOf(plan, "other.j/backfill").execution).toEqual({ properties: {}, user: "chronon" });
  });

  test("the Bigtable instance is the variable that confs say it by; nearer ones go before it", () => {
    const instance = (id: string) => stepOf(plan, id).env["GCP_BIGTABLE_INSTANCE_ID"];
    expect(instance("risk.gb/upload-to-kv")).toBe("risk-features");
    expect(instance("growth.gb/upload-to-kv")).toBe("of-the-env");
    expect(instance("other.j/backfill")).toBe("features");
    expect(plan.metadata?.map(({ key, instance: of }) => `${key} ${of}`)).toEqual([
      "group_bys/growth.gb of-the-env",
      "group_bys/risk.gb risk-features",
      "joins/other.j features",
    ]);
  });

  test("instances that hold a plan's rows are named once each, and none where none is named", () => {
    expect(instancesNamed(plan)).toEqual(["features", "of-the-env", "risk-features"]);
    expect(instancesNamed(compileFiles([file("group_bys", groupBy("risk.gb"))]))).toEqual([]);
  });

  test("a plan is another when only the instance of a row or a maintainer is", () => {
    const of = (entry: object) => compileFiles([teamsFile({ risk: entry })]).hash;
    const hashes = [{}, { maintainer_emails: "a@example.com" }, { maintainer_emails: [] }].map(of);
    expect(new Set(hashes).size).toBe(3);
    const conf = file("joins", join("risk.j"));
    const instance = (id: string) =>
      compileFiles([teamsFile({ risk: { bigtable_instance: id } }), conf]).hash;
    expect(instance("one")).not.toBe(instance("two"));
  });
});

describe("maintainers", () => {
  const conf = file("joins", join("risk.j"));
  const emails = { default: { maintainer_emails: ["p@example.com"] }, risk: {} };

  test("are in the plan by team; one address may stand alone; none is nothing", () => {
    const plan = compileFiles([teamsFile(emails), conf]);
    expect(plan.maintainers).toEqual({ default: ["p@example.com"] });
    const one = compileFiles([teamsFile({ risk: { maintainer_emails: "r@example.com" } })]);
    expect(one.maintainers).toEqual({ risk: ["r@example.com"] });
    expect(compileFiles([teamsFile({ risk: {} }), conf])).not.toHaveProperty("maintainers");
  });

  test("stay as they were while the file cannot be read", () => {
    const previous = compileFiles([teamsFile(emails), conf]);
    const broken = compileFiles([{ path: "teams.json", text: "{" }, conf], { previous });
    expect(broken.maintainers).toEqual(previous.maintainers);
  });
});

describe("dag_start_date", () => {
  const files = [
    teamsFile({ default: { dag_start_date: "2025-09-29" }, risk: {} }),
    file("joins", join("risk.j", {}, { executionInfo: { offlineSchedule: "@daily" } })),
    file("joins", join("risk.asked")),
  ];
  const plan = compileFiles(files);
  const task = (day: string) => `risk.j/backfill@${day}`;

  test("is where a scheduled step begins; one on command has none", () => {
    expect(stepOf(plan, "risk.j/backfill").from).toBe("2025-09-29");
    expect(stepOf(plan, "risk.asked/backfill")).not.toHaveProperty("from");
  });

  test("no task before it is born by itself, and why says so; on command it is", () => {
    const w = world(indexPlan(plan), { externalClosing: { when: "at-landing" } });
    for (const day of ["2025-09-28", "2025-09-29"]) w.land("data.checkouts", day);
    expect(w.launchedIds()).toEqual([task("2025-09-29")]);
    expect(w.ask((deciding) => explainTask(deciding, task("2025-09-28"))).is).toBe(
      "not begun: its team's dag_start_date is 2025-09-29; landfall backfill starts it",
    );
    w.nudge({
      kind: "command",
      command: {
        kind: "backfill-requested",
        schema: 1,
        id: "c",
        by: "ann",
        at: w.now(),
        target: "risk.j",
        start: "2025-09-28",
        end: "2025-09-28",
      },
    });
    expect(w.state(task("2025-09-28"))).toBe("launching");
  });

  test("that is no day holds the team's configs back", () => {
    const broken = teamsFile({ risk: { dag_start_date: "2025-02-30" } });
    const held = compileFiles([broken, ...files.slice(1)], { previous: plan });
    expect(problemLines(held)).toEqual([
      'error teams.json: team "risk": dag_start_date "2025-02-30" is no day; write yyyy-MM-dd',
    ]);
    expect(stepOf(held, "risk.j/backfill").from).toBe("2025-09-29");
  });
});

test("what has no effect is refused with what has; a name that is not the key is told", () => {
  const risk = {
    team_name: "Risk",
    airflow_queue: "default",
    catchup: false,
    max_active_runs: 1,
    time_parts: ["ds"],
  };
  expect(problemLines(compileFiles([teamsFile({ risk })]))).toEqual([
    'warning teams.json: team "risk": airflow_queue has no effect: Landfall has no workers to queue for: gcp.dataproc.teams says where a team\'s jobs run, teams.<team>.limit how many at once; remove it',
    'warning teams.json: team "risk": catchup has no effect: a new step begins with its newest complete day: landfall backfill fills older ones; remove it',
    'warning teams.json: team "risk": max_active_runs has no effect: set maxActiveRuns for the team or mode in Landfall\'s settings; remove it',
    'warning teams.json: team "risk": team_name is "Risk", but teams go by their key; make them one',
    'warning teams.json: team "risk": time_parts has no effect: partition columns are those of the configs; remove it',
  ]);
});

test("a field of another shape is named, and holds the team's configs back", () => {
  const wrong = { maintainer_emails: ["nobody"], dataproc_staging_bucket: "s3://x" };
  const [line, ...more] = problemLines(compileFiles([teamsFile({ risk: wrong })]));
  expect(more).toEqual([]);
  expect(line).toContain('team "risk": maintainer_emails');
  expect(line).toContain("dataproc_staging_bucket: write gs://bucket");
});

test("a release that settings pin for a team goes before that of its confs", () => {
  const settings = Settings.parse({
    teams: { risk: { version: "candidate", artifactPrefix: "gs://candidates" } },
  });
  const env = { common: { VERSION: "1.0.0", ARTIFACT_PREFIX: "gs://releases" } };
  const conf = (name: string) => file("group_bys", groupBy(name, {}, { executionInfo: { env } }));
  const plan = compileFiles([conf("risk.gb"), conf("growth.gb")], { settings });
  expect(stepOf(plan, "risk.gb/backfill").env).toEqual({
    VERSION: "candidate",
    ARTIFACT_PREFIX: "gs://candidates",
  });
  expect(stepOf(plan, "growth.gb/backfill").env).toEqual(env.common);
});

test("a team for tests writes where no other team does, or keeps its last good steps", () => {
  const settings = Settings.parse({ teams: { chronon_test: { test: true } } });
  const own = file("group_bys", groupBy("chronon_test.a", {}, { outputNamespace: "trial" }));
  const shared = file("group_bys", groupBy("chronon_test.b", {}, { outputNamespace: "out" }));
  const production = file("group_bys", groupBy("risk.a"));
  const plan = compileFiles([own, shared, production], { settings });
  expect(plan.steps.map(({ config }) => config)).toEqual(["chronon_test.a", "risk.a"]);
  expect(problemLines(plan)).toEqual([
    "error compiled/group_bys/chronon_test/b: team chronon_test is for tests, but writes into namespace out, as team risk does; give it one of its own",
  ]);
  expect(problemLines(compileFiles([own, shared, production]))).toEqual([]);
});

test("a team for tests loads into no Bigtable instance that another team loads into", () => {
  const settings = Settings.parse({ teams: { chronon_test: { test: true } } });
  const trial = file(
    "group_bys",
    groupBy("chronon_test.a", {}, { online: 1, outputNamespace: "trial" }),
  );
  const production = file("group_bys", groupBy("risk.a", {}, { online: 1 }));
  const sharing = compileFiles([trial, production], { settings });
  expect(problemLines(sharing)).toEqual([
    "error compiled/group_bys/chronon_test/a: team chronon_test is for tests, but loads into the deployment's Bigtable instance, as team risk does; give it one of its own",
  ]);
  const teams = teamsFile({ chronon_test: { bigtable_instance: "trial" } });
  expect(problemLines(compileFiles([teams, trial, production], { settings }))).toEqual([]);
});
