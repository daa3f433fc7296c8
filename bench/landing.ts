import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Subject } from "rxjs";
import { openEmbedded } from "../adapters/embedded/open.ts";
import { runServices } from "../cli/run-services.ts";
import { commitDelta } from "../lake/delta-writer.ts";
import type { JobRunner } from "../ports/job-runner.ts";
import { silentLog } from "../ports/log.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { StoreCounters, TaskStore } from "../ports/task-store.ts";
import { writeRelease } from "../releases/release.ts";
import { RehearsalBehaviour } from "../schemas/rehearsal.ts";
import { Settings } from "../schemas/settings.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";
import { print, quantiles, wallMs } from "./print.ts";

/**
 * From the rename of a commit file by another process to the runner's submit, with 10,000 configs
 * loaded. Each config is a staging query over a table of its own.
 */
const configs = Number(process.env["BENCH_CONFIGS"] ?? 10_000);
const landings = Number(process.env["BENCH_LANDINGS"] ?? 1_000);
const perSecond = 100;
const day = "2025-09-30";
const dayBefore = "2025-09-29";
const sensorMeanMs = 150_000;

function confs(): { path: string; text: string }[] {
  const queries = Array.from({ length: configs }, (_, at): [string, string[]] => [
    `q${at}`,
    [`bench.t${String(at).padStart(5, "0")}`],
  ]);
  return stagingQueryFiles(Object.fromEntries(queries));
}

/** A runner that says when it was asked. */
function timed(runner: JobRunner, submitted: Map<string, number>): JobRunner {
  return {
    ...runner,
    submit(job) {
      const table = job.inputs[0]?.table;
      if (table !== undefined && !submitted.has(table)) submitted.set(table, wallMs());
      return runner.submit(job);
    },
  };
}

async function writeLandings(lake: string): Promise<Map<string, number>> {
  const writer = new URL("landing-writer.ts", import.meta.url).pathname;
  const args = [...process.execArgv, writer, lake, String(landings), String(perSecond), day];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const renamed = new Map<string, number>();
  for await (const line of createInterface({ input: child.stdout })) {
    const { table, at } = JSON.parse(line) as { table: string; at: number };
    renamed.set(table, at);
  }
  return renamed;
}

async function until(true_: () => boolean | Promise<boolean>, forMs: number): Promise<void> {
  const end = Date.now() + forMs;
  while (!(await true_()) && Date.now() < end) await new Promise((r) => setTimeout(r, 20));
}

/** A day of every table that will land, so that the measured one is not its first. */
async function writeDayBefore(lake: ObjectStore): Promise<void> {
  for (let at = 0; at < landings; at++) {
    const path = `bench/t${String(at).padStart(5, "0")}`;
    await commitDelta(
      lake,
      { path, partitionColumn: "ds" },
      {
        partitions: [{ partition: dayBefore, rows: 1 }],
        mode: "append",
        operation: "WRITE",
        engineInfo: "bench",
        at: 0,
      },
    );
  }
}

/** Waits until nothing has been written for three seconds: every table was looked at once. */
async function calm(store: TaskStore): Promise<void> {
  let writes = -1;
  await until(async () => {
    const { documentsWritten } = store.counters();
    const same = documentsWritten === writes;
    writes = documentsWritten;
    if (!same) await new Promise((resolve) => setTimeout(resolve, 3_000));
    return same;
  }, 300_000);
}

async function main(folder: string): Promise<void> {
  const lake = join(folder, "lake");
  const settings = Settings.parse({ externalClosing: { when: "at-landing" }, pools: {} });
  const behaviour = RehearsalBehaviour.parse({ durationMs: 20 });
  const opened = openEmbedded({
    data: join(folder, "data"),
    lake,
    runner: { kind: "rehearsal", behaviour },
    settings,
    log: silentLog,
  });
  await writeDayBefore(opened.lake);
  const submitted = new Map<string, number>();
  const world = { ...opened, runner: timed(opened.runner, submitted) };
  const release = await writeRelease(world.configs, confs());
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const stop = new Subject<void>();
  const done = runServices({ world, settings, log: silentLog, stop });
  const succeeded = async (wanted: number) => {
    const tasks = await world.store.listTasks({ state: "succeeded", limit: wanted });
    return tasks.length >= wanted;
  };
  await until(() => succeeded(landings), 180_000);
  await calm(world.store);
  submitted.clear();
  const before = world.store.counters();
  const renamed = await writeLandings(lake);
  await until(() => submitted.size >= landings, 30_000);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const after = world.store.counters();
  const all = await world.store.listTasks({ state: "succeeded", limit: 2 * landings });
  const tasks = all.length - landings;
  stop.next();
  await done;
  await world.close();
  report({ renamed, submitted, before, after, tasks });
}

interface Measured {
  readonly renamed: ReadonlyMap<string, number>;
  readonly submitted: ReadonlyMap<string, number>;
  readonly before: StoreCounters;
  readonly after: StoreCounters;
  readonly tasks: number;
}

function report({ renamed, submitted, before, after, tasks }: Measured): void {
  const latencies = [...renamed].flatMap(([table, at]) => {
    const found = submitted.get(table);
    return found === undefined ? [] : [found - at];
  });
  const { p50, p99, max } = quantiles(latencies);
  print({
    bench: "landing-to-submit",
    unit: "ms",
    p50,
    p99,
    max,
    landings: latencies.length,
    perSecond,
    configs,
    synchronous: "NORMAL",
    sensorMeanMs,
    timesFasterThanFiveMinuteSensor: Math.round(sensorMeanMs / p50),
  });
  print({
    bench: "documents-per-one-input-task",
    written: (after.documentsWritten - before.documentsWritten) / tasks,
    read: (after.documentsRead - before.documentsRead) / tasks,
    checked: (after.documentsChecked - before.documentsChecked) / tasks,
    tasks,
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
  });
}

const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));
try {
  await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
