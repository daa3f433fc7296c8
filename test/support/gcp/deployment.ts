import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, vi } from "vitest";
import { cloudStorage } from "../../../adapters/gcp/cloud-storage.ts";
import { openGoogleCloud } from "../../../adapters/gcp/open.ts";
import { setUpGoogleCloud } from "../../../adapters/gcp/set-up.ts";
import { readSettings } from "../../../adapters/read-settings.ts";
import { readConfigs } from "../../../cli/read-configs.ts";
import { silentLog } from "../../../ports/log.ts";
import type { World } from "../../../ports/world.ts";
import { writeRelease } from "../../../releases/release.ts";
import type { Deployment } from "../../../schemas/deployment.ts";
import type { DocumentId } from "../../../schemas/documents.ts";
import type { Task } from "../../../schemas/tasks.ts";
import { objectsTopic, variables } from "../emulators/servers.ts";
import { landByOthers } from "../lake.ts";
import { type ServiceProcess, startService } from "./process.ts";

/** A deployment of Landfall on emulators and on a Dataproc of our own, everything its own process. */
export interface CloudDeployment {
  readonly settings: Deployment;
  /** The same world in this process, for whoever looks and lands. */
  readonly world: World;
  readonly folder: string;
  /** What a service's environment must hold; emulators may be named anew. */
  env(emulators?: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  start(
    service: "watcher" | "dispatcher" | "tracker",
    name: string,
    env?: Readonly<Record<string, string>>,
  ): ServiceProcess;
  /** Releases the configs; resolves when the watcher has looked at these tables for the first time. */
  release(tables?: readonly string[]): Promise<void>;
  /** A day lands in a table, from another hand. */
  land(table: string, day: string): Promise<void>;
  tasks(): Promise<readonly Task[]>;
  /** Ids of the jobs that began, once for each beginning. */
  begun(): readonly string[];
  close(): Promise<void>;
}

const tsx = import.meta.resolve("tsx");
const dataproc = new URL("../dataproc/main.ts", import.meta.url).pathname;
const work = new URL("./work.ts", import.meta.url).pathname;

export async function cloudDeployment(options: {
  readonly project: string;
  readonly configs: string;
  readonly more?: object;
  /** Whether there is a place for the state of streams; without one none can begin. */
  readonly streams?: boolean;
}): Promise<CloudDeployment> {
  const { project, configs: configsFolder } = options;
  const deployment = `e2e-${randomBytes(4).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), `landfall-${deployment}-`));
  const file = join(folder, "settings.json");
  const ledger = join(folder, "ledger");
  const written = { ...settingsOf(deployment, options.streams === true), ...options.more };
  const write = (dataprocAt: string) => {
    const { gcp } = written;
    const placed = { ...gcp, emulators: { dataproc: dataprocAt } };
    writeFileSync(file, JSON.stringify({ ...written, gcp: placed }));
  };
  write("127.0.0.1:1");
  const env = { LANDFALL_SETTINGS: file, GOOGLE_CLOUD_PROJECT: project };
  const bucketsOf = cloudStorage({ project, apiEndpoint: process.env[variables.storage] ?? "" });
  for (const name of ["lake", "configs", "flink"].map((of) => `${deployment}-${of}`)) {
    await bucketsOf.createBucket(name);
  }
  const jobs = await startDataproc(project, {
    ...env,
    LANDFALL_TEST_CONFIGS: configsFolder,
    LANDFALL_TEST_LEDGER: ledger,
  });
  write(`127.0.0.1:${jobs.port}`);
  const { settings } = readSettings({ ...process.env, ...env });
  await setUpGoogleCloud(settings, () => {});
  const world = openGoogleCloud({ settings, log: silentLog });
  const running = new Map<string, ServiceProcess>();
  return {
    settings,
    world,
    folder,
    env: (emulators = {}) => ({ ...env, ...emulators }),
    start(service, name, more = {}) {
      const started = startService({ service, name, folder, env: { ...env, ...more } });
      running.set(name, started);
      return started;
    },
    async release(tables = []) {
      const release = await writeRelease(world.configs, await readConfigs(configsFolder));
      await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
      const cursors = tables.map((table): DocumentId => `cursors/${table}`);
      const looked = async () =>
        [...(await world.store.read(cursors)).values()].every(({ body }) => body !== null);
      await vi.waitFor(async () => expect(await looked()).toBe(true), {
        timeout: 90_000,
        interval: 200,
      });
    },
    land: (table, day) =>
      landByOthers(world.lake, table.replace(".", "/"), { days: [day], at: Date.now() }),
    tasks: () => world.store.listTasks({ limit: 10_000 }),
    begun: () =>
      existsSync(ledger) ? readFileSync(ledger, "utf8").trim().split("\n").filter(Boolean) : [],
    async close() {
      await Promise.all([...running.values()].map((service) => service.end("SIGKILL")));
      await world.close();
      const gone = once(jobs.child, "exit");
      jobs.child.kill("SIGKILL");
      await gone;
      if (process.env["LANDFALL_TEST_KEEP"] === undefined) {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Paces of minutes are seconds here. */
function settingsOf(deployment: string, streams: boolean) {
  return {
    world: "gcp",
    deployment,
    port: 0,
    externalClosing: { when: "at-landing" },
    retries: { infrastructure: { max: 20, delayMs: 100 } },
    submitWithinMs: 5_000,
    tickMs: 500,
    beatMs: 500,
    reconcileMs: 10_000,
    // Its days are long gone.
    cellsKeptDays: null,
    streams: { checkMs: 2_000, restartMs: 1_000 },
    gcp: {
      lake: `gs://${deployment}-lake`,
      configs: `gs://${deployment}-configs/landfall`,
      bigtableInstance: "features",
      firestoreDatabase: deployment,
      lakeTopic: objectsTopic,
      dataproc: {
        ...(streams ? { flinkState: `gs://${deployment}-flink/state` } : {}),
        activeLookMs: 1_000,
        idleLookMs: 2_000,
        missingForMs: 10_000,
        // The staging queries of tests have no environment of their own.
        teams: {
          t: { cluster: "chronon-risk", version: "0.1.0", artifactPrefix: "gs://artifacts" },
        },
      },
    },
  };
}

/** Starts our Dataproc in a process of its own; resolves when it listens. */
async function startDataproc(
  project: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const clusters = { "us-central1": ["chronon-risk", "chronon-growth"] };
  const given = JSON.stringify({ project, clusters, jobOperationsMax: 100_000 });
  const child = spawn(process.execPath, ["--import", tsx, dataproc, given, work], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, port: (JSON.parse(line) as { port: number }).port };
  }
  throw new Error("Dataproc ended before it listened");
}
