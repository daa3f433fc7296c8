import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastValueFrom, Subject } from "rxjs";
import { openEmbedded } from "../adapters/embedded/open.ts";
import { runServices } from "../cli/run-services.ts";
import { type Log, silentLog } from "../ports/log.ts";
import type { World } from "../ports/world.ts";
import { writeRelease } from "../releases/release.ts";
import { RehearsalBehaviour } from "../schemas/rehearsal.ts";
import { Settings } from "../schemas/settings.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";
import { print } from "./print.ts";
import { landSource } from "./source.ts";

/**
 * One landing makes many tasks ready at once. Timed from the commit of the source to the last task's
 * success: claimed, submitted, its commit written to disk, read back, recorded. Each task has a
 * config and a table of its own.
 */
const sizes = (process.env["BENCH_TASKS"] ?? "100,1000,10000").split(",").map(Number);
const day = "2025-09-30";
const dayBefore = "2025-09-29";

async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Commits on disk that the rehearsed jobs of the day wrote. */
async function written(world: World, tasks: number): Promise<number> {
  let found = 0;
  for (let at = 0; at < tasks; at++) {
    for (const { name } of await world.lake.list(`lake/t_q${at}__0/_delta_log/`)) {
      const object = await world.lake.read(name);
      if (Buffer.from(object?.bytes ?? []).includes(`"partitionValues":{"ds":"${day}"}`))
        found += 1;
    }
  }
  return found;
}

/** Watcher and tracker in a process of their own, until they are told to end. */
function besides(data: string, lake: string, settings: Settings): ChildProcess {
  const worker = join(import.meta.dirname, "storm-worker.ts");
  const args = ["--import", import.meta.resolve("tsx"), worker, data, lake];
  return spawn(process.execPath, [...args, JSON.stringify(settings)], { stdio: "inherit" });
}

type Running = Parameters<typeof runServices>[0];

/** The dispatcher here, the other services in one more process. */
async function runInTwo(running: Running, folder: string): Promise<void> {
  const { world, settings, log, stop } = running;
  const other = besides(join(folder, "data"), join(folder, "lake"), settings);
  await lastValueFrom(dispatcher({ ...world, settings, log, by: "storm" }, stop), {
    defaultValue: undefined,
  });
  other.kill("SIGTERM");
  await once(other, "exit");
}

async function storm(tasks: number, folder: string, processes: 1 | 2): Promise<void> {
  const settings = Settings.parse({ externalClosing: { when: "at-landing" }, pools: {} });
  const behaviour = RehearsalBehaviour.parse({ durationMs: 0 });
  const world = openEmbedded({
    data: join(folder, "data"),
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour },
    settings,
    log: silentLog,
  });
  await landSource(world.lake, dayBefore);
  const queries = Array.from({ length: tasks }, (_, at) => [`q${at}`, ["bench.source"]] as const);
  const files = stagingQueryFiles(Object.fromEntries(queries.map(([q, t]) => [q, [...t]])));
  const release = await writeRelease(world.configs, files);
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const stop = new Subject<void>();
  let succeeded = 0;
  const log: Log = {
    ...silentLog,
    info(fields) {
      if ((fields as { to?: string }).to === "succeeded") succeeded += 1;
    },
  };
  const running = { world, settings, log, stop };
  const done = processes === 1 ? runServices(running) : runInTwo(running, folder);
  await until(() => succeeded >= tasks);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  await landSource(world.lake, day);
  await until(() => succeeded >= 2 * tasks);
  const seconds = (performance.now() - begun) / 1_000;
  const used = process.cpuUsage(cpu);
  const commits = await written(world, tasks);
  stop.next();
  await done;
  await world.close();
  print({
    bench: "storm",
    processes,
    tasks,
    seconds: Math.round(seconds * 100) / 100,
    tasksPerSecond: Math.round(tasks / seconds),
    commitsOnDisk: commits,
    cpuMsPerTaskHere: {
      user: Math.round(used.user / tasks) / 1_000,
      system: Math.round(used.system / tasks) / 1_000,
    },
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
    synchronous: "NORMAL",
  });
}

const folders: string[] = [];
try {
  for (const tasks of sizes) {
    for (const processes of [1, 2] as const) {
      const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));
      folders.push(folder);
      await storm(tasks, folder, processes);
    }
  }
} finally {
  // Not one by one: for minutes after a file was deleted ext4 passes over its inode, and creating others is slow.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
