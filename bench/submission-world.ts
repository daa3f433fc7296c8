import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { cloudStorage } from "../adapters/gcp/cloud-storage.ts";
import type { ConnectionOptions } from "../adapters/gcp/dataproc-calls.ts";
import { setUpGoogleCloud } from "../adapters/gcp/set-up.ts";
import { readSettings } from "../adapters/read-settings.ts";
import { addDays } from "../core/dates.ts";
import { commitObject } from "../lake/delta-log.ts";
import { Deployment } from "../schemas/deployment.ts";
import { emulatedProject, objectsTopic, variables } from "../test/support/emulators/servers.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";

/** What `submission.ts` runs on: tables that one query each waits for, each on one of the clusters. */
export const tables = 200;
const clusters = 100;
export const region = "us-central1";
export const clusterNames = Array.from({ length: clusters }, (_, at) => `cluster-${at}`);

/** The landing of a day of a table: `bench.t7@2025-01-03`. The nth day is the table's nth commit. */
export type LandingKey = string;

const firstDay = "2025-01-01";

export const keyOf = (table: number, nth: number): LandingKey =>
  `bench.t${table}@${addDays(firstDay, nth)}`;

/** The landing that an object of the lake is, null when it is no commit. */
export function keyOfObject(name: string): LandingKey | null {
  const [, table, nth] = /^bench\/t(\d+)\/_delta_log\/(\d+)\.json$/.exec(name) ?? [];
  return nth === undefined ? null : keyOf(Number(table), Number(nth));
}

/** The landing that a task waits for. */
export function keyOfTask(task: string): LandingKey | null {
  const [, table, day] = /^t\.q(\d+)__0\/\w+@(.+)$/.exec(task) ?? [];
  return day === undefined ? null : `bench.t${table}@${day}`;
}

/** The nth commit of a table as a foreign writer writes it. */
export function commitOf(table: number, nth: number): { name: string; bytes: Buffer } {
  const ds = addDays(firstDay, nth);
  const add = {
    path: `ds=${ds}/part-0.snappy.parquet`,
    partitionValues: { ds },
    size: 1_000,
    modificationTime: Date.now(),
    dataChange: true,
    stats: '{"numRecords":10}',
  };
  const metaData = {
    id: `table-${table}`,
    format: { provider: "parquet", options: {} },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: ["ds"],
    configuration: {},
  };
  const actions = [
    { commitInfo: { timestamp: Date.now(), operation: "WRITE" } },
    ...(nth === 0 ? [{ metaData }] : []),
    { add },
  ];
  const bytes = Buffer.from(actions.map((action) => `${JSON.stringify(action)}\n`).join(""));
  return { name: commitObject(`bench/t${table}`, nth), bytes };
}

/** One daily query for each table, on a cluster of its own or nearly so. */
export function confs(): { path: string; text: string }[] {
  const queries = Array.from({ length: tables }, (_, at) => [`q${at}`, [`bench.t${at}`]] as const);
  const files = stagingQueryFiles(Object.fromEntries(queries.map(([q, t]) => [q, [...t]])));
  return files.map(({ path, text }, at) => {
    const conf = JSON.parse(text) as { metaData: { executionInfo: object } };
    const common = {
      SPARK_CLUSTER_NAME: clusterNames[at % clusters],
      VERSION: "0.1.0",
      ARTIFACT_PREFIX: "gs://artifacts",
    };
    conf.metaData.executionInfo = { ...conf.metaData.executionInfo, env: { common } };
    return { path, text: JSON.stringify(conf) };
  });
}

/**
 * Makes buckets, topics and a file of settings for a deployment on the emulators and a Dataproc at
 * `dataproc`. Its region takes 100 submissions a second, as no quota does unless it is raised.
 */
export async function deployed(folder: string, dataproc: string) {
  const deployment = `bench-${randomBytes(4).toString("hex")}`;
  const file = join(folder, "settings.json");
  const gcp = {
    lake: `gs://${deployment}-lake`,
    configs: `gs://${deployment}-configs/landfall`,
    bigtableInstance: "features",
    firestoreDatabase: deployment,
    lakeTopic: objectsTopic,
    dataproc: { regions: [region], submissionsPerMinute: 6_000 },
    emulators: { dataproc },
  };
  const said = { world: "gcp", deployment, port: 0, externalClosing: { when: "at-landing" }, gcp };
  writeFileSync(file, JSON.stringify(said));
  const env = { LANDFALL_SETTINGS: file, GOOGLE_CLOUD_PROJECT: emulatedProject };
  Object.assign(process.env, env);
  const apiEndpoint = process.env[variables.storage] ?? "";
  const storage = cloudStorage({ project: emulatedProject, apiEndpoint });
  for (const name of [`${deployment}-lake`, `${deployment}-configs`]) {
    await storage.createBucket(name);
  }
  const { settings } = readSettings(process.env);
  await setUpGoogleCloud(settings, () => {});
  return Deployment.parse(settings);
}

/** How a client of Dataproc reaches the one at `host:port`. */
export function connectionTo(address: string): ConnectionOptions {
  const [apiEndpoint = "", port] = address.split(":");
  return {
    apiEndpoint,
    port: Number(port),
    universeDomain: "googleapis.com",
    sslCreds: credentials.createInsecure(),
    projectId: emulatedProject,
  };
}
