import { readFileSync } from "node:fs";
import { protos } from "@google-cloud/dataproc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chrononLabel, isOfAttempt, readLabels } from "../../adapters/gcp/dataproc-labels.ts";
import { dataprocRequest } from "../../adapters/gcp/dataproc-request.ts";
import { traceOf } from "../../core/trace.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { DataprocSettings } from "../../schemas/dataproc.ts";
import { taskId } from "../../schemas/ids.ts";

const settings = {
  project: "acme-features",
  configs: "gs://acme-landfall/configs",
  kafkaBootstrap: "kafka-1:9092",
};
const now = Date.parse("2026-03-03T00:15:00Z");
const env = {
  CHRONON_LOG_TABLE: "data.loggable_response",
  CHRONON_SCHEMA_TABLE: "data.logging_schema",
  ARTIFACT_PREFIX: "gs://acme-chronon-artifacts",
  CHRONON_ONLINE_ARGS: " -Ztasks=4",
  ENABLE_PUBSUB: "true",
  FLINK_STATE_URI: "gs://acme-chronon/flink-state",
  GCP_BIGTABLE_INSTANCE_ID: "features",
  GCP_PROJECT_ID: "acme-features",
  GCP_REGION: "us-central1",
  SPARK_CLUSTER_NAME: "chronon-risk",
  VERSION: "0.1.0",
};
const confs = {
  group_bys: { config: "risk.merchant_features.v1__0", file: "merchant_features.v1__0" },
  joins: { config: "risk.checkout.v1__0", file: "checkout.v1__0" },
  staging_queries: {
    config: "risk.exports.enriched_transactions__0",
    file: "exports.enriched_transactions__0",
  },
} as const;

function job(
  confType: keyof typeof confs,
  mode: string,
  more: Partial<JobSpec> & { readonly jobId: string },
): JobSpec {
  const { config, file } = confs[confType];
  const range = more.range ?? { start: "2026-03-02", end: "2026-03-02" };
  return {
    task: taskId(`${config}/${mode}`, range),
    run: 1,
    attempt: 2,
    config,
    confType,
    team: "risk",
    mode,
    range,
    conf: `confs/c0ffee/${file}`,
    confPath: `compiled/${confType}/risk/${file}`,
    env,
    execution: { properties: { "spark.chronon.partition.column": "ds" }, cluster: "chronon-risk" },
    output: null,
    inputs: [],
    stepDays: 30,
    timeoutMs: 3_600_000,
    ...more,
  };
}

const { v1 } = protos.google.cloud.dataproc;

function requestOf(spec: JobSpec, more: object = {}): object {
  const made = dataprocRequest(
    { settings: DataprocSettings.parse({ ...settings, ...more }), deployment: "landfall" },
    spec,
    now,
  );
  return "refused" in made ? made : made.request;
}

const tenDays = { start: "2026-03-01", end: "2026-03-10" };
const uploading = {
  properties: { "spark.chronon.partition.column": "ds", "spark.executor.memory": "8G" },
  cluster: "chronon-uploads",
};

/** Conf type and mode, what else the job has, what else the settings say. */
const goldens: Readonly<
  Record<string, readonly [keyof typeof confs, string, Partial<JobSpec>?, object?]>
> = {
  "group-by-backfill": ["group_bys", "backfill", { range: tenDays }],
  "group-by-backfill-2025": [
    "group_bys",
    "backfill",
    { range: tenDays },
    { dialects: { "0.1.0": "start-partition-override" } },
  ],
  "group-by-upload": ["group_bys", "upload", { execution: uploading }],
  "group-by-upload-to-kv-bigquery": ["group_bys", "upload-to-kv"],
  "group-by-upload-to-kv-spark": ["group_bys", "upload-to-kv", {}, { uploader: "spark" }],
  "group-by-metadata-upload": ["group_bys", "metadata-upload"],
  "group-by-streaming": [
    "group_bys",
    "streaming",
    {
      execution: {
        properties: { "taskmanager.memory.managed.size": "8G" },
        cluster: "chronon-risk",
      },
      savepoint:
        "gs://acme-chronon/flink-state/checkpoints/0123456789abcdef0123456789abcdef/chk-41",
    },
  ],
  "group-by-upload-serverless": [
    "group_bys",
    "upload",
    {
      execution: { properties: uploading.properties },
      env: { ...env, SPARK_CLUSTER_NAME: "" },
    },
    {
      profiles: {
        incremental: {
          place: {
            on: "serverless",
            subnetwork: "features",
            serviceAccount: "chronon@acme-features.iam.gserviceaccount.com",
          },
        },
      },
    },
  ],
  "join-backfill": ["joins", "backfill"],
  "join-metadata-upload": ["joins", "metadata-upload"],
  "join-log-flattener": ["joins", "log-flattener"],
  "join-build-comparison-table": ["joins", "build-comparison-table"],
  "join-consistency-metrics-compute": ["joins", "consistency-metrics-compute"],
  "staging-query-backfill": ["staging_queries", "backfill"],
};

describe("the request of a job is the one Chronon's own submitter sends", () => {
  test.each(Object.entries(goldens))("%s", (name, [confType, mode, more, others]) => {
    const file = new URL(`dataproc/goldens/${name}.json`, import.meta.url);
    const wanted: unknown = JSON.parse(readFileSync(file, "utf8"));
    const spec = job(confType, mode, { jobId: `landfall-${name}`, ...more });
    const made = requestOf(spec, others);
    expect(made).toEqual(wanted);
    const sent =
      "batchId" in made
        ? v1.CreateBatchRequest.toObject(v1.CreateBatchRequest.fromObject(made), { longs: Number })
        : v1.SubmitJobRequest.toObject(v1.SubmitJobRequest.fromObject(made), { longs: Number });
    expect(sent, "Dataproc's protocol knows every field").toEqual(wanted);
  });
});

test("a published release decides how a range begins, unless the settings name that release", () => {
  const dialect = "start-partition-override";
  const args = (VERSION: string, dialects: object) => {
    const spec = job("joins", "backfill", { jobId: "a", env: { ...env, VERSION } });
    return JSON.stringify(requestOf(spec, { dialect, dialects }));
  };
  expect(args("0.1.0", {})).toContain('"--start-partition-override=2026-03-02"');
  expect(args("1.4.0", {})).toContain('"--start-partition=2026-03-02"');
  expect(args("1.4.0", { "1.4.0": dialect })).toContain('"--start-partition-override=2026-03-02"');
});

describe("labels say exactly which attempt of which task a job is", () => {
  test("for any name of a config, in values that Dataproc takes", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(name, fc.nat(50), fc.nat(50), (config, run, attempt) => {
        const range = { start: "2026-03-01", end: "2026-03-10" };
        const task = taskId(`${config}/upload-to-kv`, range);
        const plain = job("group_bys", "upload-to-kv", { jobId: "a", task, run, attempt, range });
        const spec = { ...plain, trace: traceOf(config) };
        const made = requestOf(spec) as { job?: { labels: Record<string, string> } };
        if (made.job === undefined) {
          expect(requestOf(plain), "not for want of room for a trace").toHaveProperty("refused");
          return;
        }
        const { labels } = made.job;
        expect(readLabels(labels)).toMatchObject({ task, run, attempt });
        expect(isOfAttempt(labels, spec)).toBe(true);
        expect(isOfAttempt(labels, { ...spec, run: run + 1 })).toBe(false);
        for (const [key, value] of Object.entries(labels)) {
          expect(key).toMatch(/^[a-z][a-z0-9_-]{0,62}$/);
          expect(value).toMatch(/^[a-z0-9_-]{0,63}$/);
        }
        const count = Object.keys(labels).length;
        expect(count).toBeLessThanOrEqual(32);
        if (readLabels(labels)?.trace !== spec.trace) expect(count).toBe(32);
      }),
    );
  });

  test("labels of others are not taken for ours", () => {
    expect(readLabels({})).toBeNull();
    expect(readLabels({ "job-type": "spark", "metadata-name": "a" })).toBeNull();
  });

  test("Chronon's labels are written as its submitter writes them", () => {
    expect(chrononLabel("gcp.purchases.v1_test__0")).toBe("gcp_purchases_v1_test__0");
    expect(chrononLabel(`${"x".repeat(20)}.${"Y".repeat(62)}__`)).toBe("y".repeat(61));
    expect(chrononLabel("__1.0-")).toBe("1_0");
  });
});

describe("where a job runs", () => {
  const placed = (more: Partial<JobSpec>, others: object = {}) => {
    const spec = job("group_bys", "upload", { jobId: "a", ...more });
    const made = dataprocRequest(
      { settings: DataprocSettings.parse({ ...settings, ...others }), deployment: "landfall" },
      spec,
      now,
    );
    if ("refused" in made) return made.refused;
    return made.kind === "batch" ? "serverless" : made.cluster;
  };
  const { SPARK_CLUSTER_NAME: _, ...bare } = env;
  const config = JSON.stringify({
    masterConfig: { numInstances: 1 },
    lifecycleConfig: { idleDeleteTtl: "3600s" },
  });
  const teams = { risk: { cluster: "teams" } };

  test("the conf's own cluster, else its config, else the team's, else the profile's", () => {
    const everything = { properties: {}, cluster: "conf", clusterConfig: config };
    expect(placed({ execution: everything }, { teams })).toMatchObject({ name: "conf" });
    const { cluster: _own, ...configured } = everything;
    const made = placed({ execution: configured, env }, { teams });
    expect(made).toMatchObject({
      name: expect.stringMatching(/^lf-landfall-conf-[0-9a-f]{10}$/),
      make: {
        config: {
          masterConfig: { numInstances: 1 },
          lifecycleConfig: { idleDeleteTtl: { seconds: 3_600 } },
        },
      },
    });
    const none = { properties: {} };
    expect(placed({ execution: none, env }, { teams })).toMatchObject({ name: "chronon-risk" });
    expect(placed({ execution: none, env: bare }, { teams })).toMatchObject({ name: "teams" });
    expect(placed({ execution: none, env: bare })).toMatchObject({
      name: "lf-landfall-incremental",
      make: { config: { workerConfig: { numInstances: 3, machineTypeUri: "n1-standard-4" } } },
    });
  });

  test("Dataproc's protocol knows every field of the clusters Landfall makes", () => {
    const place = { on: "ephemeral", secondaryWorkers: 2, subnetwork: "s", serviceAccount: "a" };
    const autoscalingPolicy = "projects/p/regions/r/autoscalingPolicies/small";
    const profiles = { backfill: { place: { ...place, autoscalingPolicy } } };
    const made = placed(
      { mode: "backfill", execution: { properties: {} }, env: bare },
      { profiles },
    ) as { make: { config: object } };
    const sent = v1.ClusterConfig.toObject(v1.ClusterConfig.fromObject(made.make.config), {
      longs: Number,
      enums: String,
    });
    expect(sent).toEqual(made.make.config);
    expect(sent).toMatchObject({
      autoscalingConfig: { policyUri: autoscalingPolicy },
      secondaryWorkerConfig: { numInstances: 2, preemptibility: "SPOT" },
      lifecycleConfig: { idleDeleteTtl: { seconds: 900 } },
    });
  });

  test("work that is not critical gets the preemptible workers of its profile", () => {
    const profiles = { backfill: { place: { on: "ephemeral", secondaryWorkers: 20 } } };
    const backfill = { mode: "backfill", execution: { properties: {} }, env: bare };
    expect(placed(backfill, { profiles })).toMatchObject({
      name: "lf-landfall-backfill-spot",
      make: { config: { secondaryWorkerConfig: { numInstances: 20, preemptibility: "SPOT" } } },
    });
    const critical = placed(backfill, { profiles, nonCriticalModes: [] });
    expect(critical).toMatchObject({ name: "lf-landfall-backfill" });
    expect(critical).not.toHaveProperty("make.config.secondaryWorkerConfig");
  });

  test("the release and where it lies: the conf's, else the team's, else the profile's", () => {
    const { VERSION: _v, ARTIFACT_PREFIX: _a, ...silent } = env;
    const from = (more: object, said: Record<string, string> = silent) => {
      const spec = job("group_bys", "upload", { jobId: "a", env: said });
      const made = requestOf(spec, more) as { job?: { sparkJob: { jarFileUris: string[] } } };
      return made.job?.sparkJob.jarFileUris[0] ?? made;
    };
    const place = { on: "cluster", name: "c" };
    const profiles = { incremental: { place, version: "p", artifactPrefix: "gs://p/" } };
    const team = { risk: { version: "t", artifactPrefix: "gs://t" } };
    const end = "jars/cloud_gcp_lib_deploy.jar";
    expect(from({ profiles, teams: team }, env)).toBe(
      `gs://acme-chronon-artifacts/release/0.1.0/${end}`,
    );
    expect(from({ profiles, teams: team })).toBe(`gs://t/release/t/${end}`);
    expect(from({ profiles })).toBe(`gs://p/release/p/${end}`);
    expect(from({})).toHaveProperty("refused", expect.stringContaining("VERSION"));
  });

  test("what cannot be run is refused in one sentence that says what to do", () => {
    const none = { properties: {} };
    const sentences = [
      placed({ env: { ...env, GCP_REGION: "mars-north1" } }),
      placed({ execution: none, env: bare }, { profileOfMode: { upload: "unheard-of" } }),
      placed({ execution: { properties: {}, clusterConfig: "{" } }),
      placed({ mode: "fetch" }),
      placed({ mode: "upload-to-kv", env: { ...env, GCP_BIGTABLE_INSTANCE_ID: "" } }),
      placed({ mode: "streaming", env: { ...env, FLINK_STATE_URI: "" } }),
    ];
    for (const sentence of sentences) expect(sentence).toMatch(/^[^\n]{20,}$/);
  });
});
