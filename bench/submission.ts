import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { dataprocCalls } from "../adapters/gcp/dataproc-calls.ts";
import { readLabels } from "../adapters/gcp/dataproc-labels.ts";
import { type GoogleCloudWorld, openGoogleCloud } from "../adapters/gcp/open.ts";
import { silentLog } from "../ports/log.ts";
import { writeRelease } from "../releases/release.ts";
import { millisOf } from "../test/support/dataproc/protos.ts";
import { emulatedProject } from "../test/support/emulators/servers.ts";
import { cpuOfDescendants, cpuUsed } from "./cpu.ts";
import { onEmulators } from "./on-emulators.ts";
import { print, quantiles, wallMs } from "./print.ts";
import type { Noted, NotedCommit } from "./submission-worker.ts";
import {
  clusterNames,
  commitOf,
  confs,
  connectionTo,
  deployed,
  keyOf,
  keyOfTask,
  type LandingKey,
  region,
  tables,
} from "./submission-world.ts";

/**
 * From a landing to its submission on the emulators of Google Cloud: a commit is uploaded, and
 * Dataproc is asked to run the job that waited for it. Watcher, two dispatchers and the tracker are
 * processes of their own, as is Dataproc. Jobs outlast the measurement.
 */
const perSecond = Number(process.env["BENCH_PER_SECOND"] ?? 50);
/** By then every table has landed once, and the processes are as fast as they get. */
const warmUpSeconds = Number(process.env["BENCH_WARM_UP_SECONDS"] ?? 36);
const seconds = Number(process.env["BENCH_SECONDS"] ?? 20);
/** A folder for the profile of each process, when one is wanted. */
const profiles = process.env["BENCH_PROFILES"];

const crew = ["watcher", "dispatcher", "dispatcher", "tracker"] as const;
const tsx = import.meta.resolve("tsx");

interface Worker {
  readonly name: string;
  readonly child: ChildProcess;
  readonly file: string;
  readonly log: string;
}

function start(folder: string): Worker[] {
  return crew.map((service, at) => {
    const name = `${service}-${at}`;
    const [file, log] = [join(folder, `${name}.json`), join(folder, `${name}.log`)];
    const worker = new URL("submission-worker.ts", import.meta.url).pathname;
    const profile =
      profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${join(profiles, name)}`];
    const output = openSync(log, "a");
    const args = [...profile, "--import", tsx, worker, service, file];
    const child = spawn(process.execPath, args, { stdio: ["ignore", output, output] });
    closeSync(output);
    return { name, child, file, log };
  });
}

/** Our Dataproc, whose jobs run until it ends. */
async function startDataproc(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const main = new URL("../test/support/dataproc/main.ts", import.meta.url).pathname;
  const work = new URL("submission-job-worker.ts", import.meta.url).pathname;
  const limits = { jobOperationsMax: 1e6, driversMax: 1e6 };
  const given = { project: emulatedProject, clusters: { [region]: clusterNames }, ...limits };
  const child = spawn(process.execPath, ["--import", tsx, main, JSON.stringify(given), work], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, port: (JSON.parse(line) as { port: number }).port };
  }
  throw new Error("Dataproc ended before it listened");
}

/** When Dataproc was asked to run the job of each landing, by its own clock. */
async function arrivals(dataproc: string): Promise<Map<LandingKey, number>> {
  const connection = connectionTo(dataproc);
  const project = emulatedProject;
  const calls = dataprocCalls({ project, region, timeoutMs: 60_000, connection });
  const arrived = new Map<LandingKey, number>();
  for (const { labels, status, statusHistory } of await calls.listJobs("")) {
    const task = readLabels(labels ?? {})?.task;
    const key = task === undefined ? null : keyOfTask(task);
    const since = (statusHistory?.[0] ?? status)?.stateStartTime;
    if (key === null || since === null || since === undefined) continue;
    arrived.set(key, Math.min(arrived.get(key) ?? Number.POSITIVE_INFINITY, millisOf(since)));
  }
  await calls.close();
  return arrived;
}

/** Uploads the nth landing of all; resolves when the answer is here. */
async function land({ lake }: GoogleCloudWorld, at: number, landed: Map<LandingKey, number>) {
  const [table, nth] = [at % tables, 1 + Math.floor(at / tables)];
  const { name, bytes } = commitOf(table, nth);
  await lake.write(name, bytes, { ifAbsent: true });
  landed.set(keyOf(table, nth), wallMs());
}

/** Lands so many a second from `first` on, whether answers come or not; resolves when all are here. */
async function landFor(
  world: GoogleCloudWorld,
  { first, forSeconds }: { readonly first: number; readonly forSeconds: number },
): Promise<Map<LandingKey, number>> {
  const landed = new Map<LandingKey, number>();
  const begun = performance.now();
  const uploads: Promise<void>[] = [];
  for (let at = 0; at < perSecond * forSeconds; at += 1) {
    const early = begun + (at * 1_000) / perSecond - performance.now();
    if (early > 0) await sleep(early);
    uploads.push(land(world, first + at, landed));
  }
  await Promise.all(uploads);
  return landed;
}

/** Every table has landed once, and its first job was submitted. */
async function prepared(world: GoogleCloudWorld, dataproc: string): Promise<void> {
  for (let table = 0; table < tables; table += 1) {
    const { name, bytes } = commitOf(table, 0);
    await world.lake.write(name, bytes, { ifAbsent: true });
  }
  const release = await writeRelease(world.configs, confs());
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  while ((await arrivals(dataproc)).size < tables) await sleep(500);
}

/** What a process is, by a part of its command line; fake-gcs-server is told of Pub/Sub, too. */
const programs = [
  ["fake-gcs-server", /fake-gcs-server/],
  ["Firestore emulator", /firestore/],
  ["Bigtable emulator", /cbtemulator/],
  ["Pub/Sub emulator", /pubsub/],
  ["Dataproc server", /dataproc.main/],
  ["watcher", /worker.ts watcher/],
  ["dispatchers", /worker.ts dispatcher/],
  ["tracker", /worker.ts tracker/],
] as const;

function programOf(command: string): string | null {
  return programs.find(([, pattern]) => pattern.test(command))?.[0] ?? null;
}

async function measure(folder: string): Promise<void> {
  const dataproc = await startDataproc();
  const address = `127.0.0.1:${dataproc.port}`;
  const settings = await deployed(folder, address);
  const world = openGoogleCloud({ settings, log: silentLog });
  const workers = start(folder);
  try {
    await prepared(world, address);
    await landFor(world, { first: 0, forSeconds: warmUpSeconds });
    const before = cpuOfDescendants(programOf);
    const begun = wallMs();
    const landed = await landFor(world, { first: perSecond * warmUpSeconds, forSeconds: seconds });
    const tookSeconds = (wallMs() - begun) / 1_000;
    const arrived = await allArrived(address, landed);
    const cpuMs = cpuUsed(before, cpuOfDescendants(programOf), landed.size);
    await Promise.all(workers.map(({ child }) => ended(child)));
    report({ landed, arrived, workers, cpuMs, begun, tookSeconds });
  } finally {
    await world.close();
    for (const { child } of [...workers, dataproc]) child.kill("SIGKILL");
  }
}

async function allArrived(address: string, landed: ReadonlyMap<LandingKey, number>) {
  const until = Date.now() + 60_000;
  for (;;) {
    const arrived = await arrivals(address);
    if ([...landed.keys()].every((key) => arrived.has(key)) || Date.now() > until) return arrived;
    await sleep(500);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}

interface Measured {
  readonly landed: ReadonlyMap<LandingKey, number>;
  readonly arrived: ReadonlyMap<LandingKey, number>;
  readonly workers: readonly Worker[];
  /** CPU of a landing, by process, in milliseconds. */
  readonly cpuMs: Readonly<Record<string, number>>;
  readonly begun: number;
  readonly tookSeconds: number;
}

const hops = [
  "heard",
  "read",
  "publishing",
  "published",
  "delivered",
  "stored",
  "claiming",
  "claimed",
  "submitting",
  "arrived",
] as const;

function report({ landed, arrived, workers, cpuMs, begun, tookSeconds }: Measured): void {
  const notes = workers
    .filter(({ name }) => !name.startsWith("tracker"))
    .map(
      ({ file }) =>
        JSON.parse(readFileSync(file, "utf8")) as { noted: Noted[]; commits: NotedCommit[] },
    );
  const tookMs = [...landed].flatMap(([key, at]) =>
    arrived.has(key) ? [(arrived.get(key) ?? 0) - at] : [],
  );
  const times = [...landed.values(), ...arrived.values()].filter((at) => at >= begun);
  const rate = tookMs.length / ((Math.max(...times) - begun) / 1_000);
  print({
    bench: "landing-to-submission",
    unit: "ms",
    ...quantiles(tookMs),
    landings: landed.size,
    lost: landed.size - tookMs.length,
    perSecond: Math.round((10 * landed.size) / tookSeconds) / 10,
    submittedPerSecond: Math.round(10 * rate) / 10,
    cpuMsPerLanding: cpuMs,
  });
  const seen = new Map<string, number>(
    notes.flatMap(({ noted }) => noted).map(({ hop, key, at }) => [`${hop} ${key}`, at]),
  );
  for (const [key, at] of arrived) seen.set(`arrived ${key}`, at);
  for (const [key, at] of landed) seen.set(`uploaded ${key}`, at);
  const between = hops.map((hop, at) => {
    const before = hops[at - 1] ?? "uploaded";
    const steps = [...landed.keys()].flatMap((key) => {
      const [from, to] = [seen.get(`${before} ${key}`), seen.get(`${hop} ${key}`)];
      return from === undefined || to === undefined ? [] : [to - from];
    });
    return [hop, quantiles(steps)] as const;
  });
  print({ bench: "landing-to-submission", unit: "ms", hops: Object.fromEntries(between) });
  for (const [at, { commits }] of notes.entries()) {
    const own = commits.filter((commit) => commit.begun >= begun);
    if (own.length === 0) continue;
    print({
      bench: "landing-to-submission",
      commitsOf: workers[at]?.name,
      commits: own.length,
      conflicts: own.filter(({ answer }) => answer !== "committed").length,
      tookMs: quantiles(own.map((commit) => commit.tookMs)),
      written: quantiles(own.map((commit) => commit.written)),
      checked: quantiles(own.map((commit) => commit.checked)),
    });
  }
}

await onEmulators({}, measure);
