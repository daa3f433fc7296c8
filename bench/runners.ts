import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bufferTime,
  filter,
  firstValueFrom,
  from,
  lastValueFrom,
  mergeMap,
  NEVER,
  take,
  tap,
} from "rxjs";
import { systemClock } from "../adapters/embedded/clock.ts";
import { sqliteKeyValueStore } from "../adapters/embedded/key-value-store.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { processRunner } from "../adapters/embedded/process-runner.ts";
import { rehearsalRunner } from "../adapters/embedded/rehearsal-runner.ts";
import { commitDelta } from "../lake/delta-writer.ts";
import type { JobRunner, JobSpec } from "../ports/job-runner.ts";
import type { ObjectStore, StoredObject } from "../ports/object-store.ts";
import { print, quantiles } from "./print.ts";

const day = "2025-09-30";
const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));

function job(n: number, tables: number): JobSpec {
  const config = `bench.config_${n % tables}`;
  return {
    jobId: `bench-${n}`,
    task: `${config}/backfill@${day}`,
    run: 1,
    attempt: 1,
    config,
    confType: "group_bys",
    team: "risk",
    mode: "backfill",
    range: { start: day, end: day },
    conf: "conf",
    confPath: "compiled/group_bys/bench/features.v1",
    env: {},
    execution: { properties: {} },
    output: { table: `bench.table_${n % tables}`, column: "ds", effect: "overwrites" },
    inputs: [{ table: "bench.source", range: { start: day, end: day } }],
    stepDays: 1,
    timeoutMs: 60_000,
  };
}

interface Measured {
  readonly submitMs: readonly number[];
  /** From the submit to its end being told, by job. */
  readonly endMs: readonly number[];
  readonly seconds: number;
}

/** Submits jobs, some at once as the dispatcher does, and waits for the end of all. */
async function measure(
  runner: JobRunner,
  jobs: readonly JobSpec[],
  concurrency: number,
): Promise<Measured> {
  const submittedAt = new Map<string, number>();
  const submitMs: number[] = [];
  const endMs: number[] = [];
  const begun = performance.now();
  const ended = firstValueFrom(
    runner.statuses().pipe(
      filter(({ state }) => state === "succeeded"),
      tap(({ jobId }) => endMs.push(performance.now() - (submittedAt.get(jobId) ?? Number.NaN))),
      bufferTime(5),
      mergeMap((batch) => runner.forget(batch.map(({ jobId }) => jobId))),
      filter(() => endMs.length >= jobs.length),
      take(1),
    ),
  );
  const submit = async (spec: JobSpec) => {
    const at = performance.now();
    submittedAt.set(spec.jobId, at);
    await runner.submit(spec);
    submitMs.push(performance.now() - at);
  };
  await lastValueFrom(from(jobs).pipe(mergeMap(submit, concurrency)));
  await ended;
  return { submitMs, endMs, seconds: (performance.now() - begun) / 1_000 };
}

function report(figure: Readonly<Record<string, unknown>>, measured: Measured): void {
  const jobs = measured.submitMs.length;
  print({
    ...figure,
    jobs,
    jobsPerSecond: Math.round(jobs / measured.seconds),
    submitMs: quantiles(measured.submitMs),
    submitToEndMs: quantiles(measured.endMs),
  });
}

/** A lake that costs nothing: what is left is the runner and its table of jobs. */
function memoryLake(): ObjectStore {
  const objects = new Map<string, StoredObject>();
  return {
    read: async (name) => objects.get(name) ?? null,
    info: async (name) => objects.get(name) ?? null,
    list: async (prefix, { after = "", limit = Number.POSITIVE_INFINITY } = {}) =>
      [...objects.values()]
        .filter(({ name }) => name.startsWith(prefix) && name > after)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, limit),
    async write(name, bytes, { ifAbsent = false } = {}) {
      const before = objects.get(name);
      if (ifAbsent && before !== undefined) return "exists";
      const generation = (before?.generation ?? 0) + 1;
      objects.set(name, { name, bytes, size: bytes.length, generation, updatedAt: generation });
      return "written";
    },
    notifications: () => NEVER,
    async close() {},
  };
}

interface Rehearsed {
  readonly count: number;
  readonly tables: number;
  readonly lakeIn: "folder" | "memory";
}

async function rehearsals({ count, tables, lakeIn }: Rehearsed): Promise<void> {
  const place = join(folder, `rehearsal-${tables}-${lakeIn}`);
  const lake =
    lakeIn === "memory" ? memoryLake() : directoryObjectStore({ root: join(place, "lake") });
  const keyValueStore = sqliteKeyValueStore({ file: join(place, "key-values.db") });
  await commitDelta(
    lake,
    { path: "bench/source", partitionColumn: "ds" },
    {
      partitions: [{ partition: day, rows: 1 }],
      mode: "append",
      operation: "WRITE",
      engineInfo: "bench",
      at: 1,
    },
  );
  const runner = rehearsalRunner({
    file: join(place, "rehearsal.db"),
    behaviour: { durationMs: 0, faults: [] },
    lake,
    keyValueStore,
    clock: systemClock(),
  });
  const jobs = Array.from({ length: count }, (_, n) => job(n, tables));
  const measured = await measure(runner, jobs, 64);
  report({ bench: "rehearsal runner", tables, lakeIn, synchronous: "NORMAL" }, measured);
  for (const port of [runner, lake, keyValueStore]) await port.close();
}

async function processes(count: number, concurrency: number): Promise<void> {
  const configs = join(folder, "configs");
  mkdirSync(configs, { recursive: true });
  writeFileSync(join(configs, "conf"), "{}");
  const runner = processRunner({
    folder: join(folder, `jobs-${concurrency}`),
    command: "true {conf}",
    configs,
    clock: systemClock(),
  });
  const jobs = Array.from({ length: count }, (_, n) => job(n, count));
  const measured = await measure(runner, jobs, concurrency);
  report({ bench: "process runner", concurrency, command: "true", loader: "tsx" }, measured);
  await runner.close();
}

try {
  await rehearsals({ count: 5_000, tables: 10, lakeIn: "memory" });
  await rehearsals({ count: 5_000, tables: 10, lakeIn: "folder" });
  await rehearsals({ count: 5_000, tables: 1_000, lakeIn: "folder" });
  await processes(5, 1);
  await processes(40, 40);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
