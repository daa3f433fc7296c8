import { mkdtempSync, rmSync } from "node:fs";
import { copyFile, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import colors from "picocolors";
import { Subject } from "rxjs";
import { scaledClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import { tasksTable } from "../../cli/commands/tasks.ts";
import { reasonText } from "../../cli/commands/why.ts";
import { consistencyText } from "../../cli/consistency-text.ts";
import { readConfigs } from "../../cli/read-configs.ts";
import { runServices } from "../../cli/run-services.ts";
import { ask, withState } from "../../cli/state.ts";
import { explainTask } from "../../core/explain.ts";
import { isLive } from "../../core/status.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { launchLatencies, quantile } from "./latency.ts";
import { narrator } from "./narrator.ts";
import { behaviour, endMs, firstDay, type Happening, happenings, settings } from "./story.ts";

/** A day of the story takes this long. */
const dayTakesMs = 5_000;
const speed = 86_400_000 / dayTakesMs;
const start = Date.parse(`${firstDay}T00:00:00Z`);

const folder = mkdtempSync(join(tmpdir(), "landfall-demo-"));
const configs = new URL("../payments-risk/compiled", import.meta.url).pathname;

/** A foreign writer: it has nothing in common with Landfall but the lake's folder. */
async function write(lake: ObjectStore, clock: Clock, happening: Happening): Promise<string> {
  const path = happening.table.replace(".", "/");
  const { version } = await commitDelta(
    lake,
    { path, partitionColumn: "ds" },
    {
      partitions: [{ partition: happening.day, rows: happening.rows }],
      mode: "append",
      operation: "WRITE",
      engineInfo: "landfall demo, a foreign writer",
      at: clock.now(),
    },
  );
  return join(folder, "lake", path, "_delta_log", `${String(version).padStart(20, "0")}.json`);
}

/** The same object finalized once more: its notification comes twice. */
async function repeat(file: string): Promise<void> {
  await copyFile(file, `${file}.again`);
  await rename(`${file}.again`, file);
}

async function play(clock: Clock, say: ReturnType<typeof narrator>): Promise<void> {
  const lake = directoryObjectStore({ root: join(folder, "lake") });
  for (const happening of happenings) {
    await clock.sleep(Math.max(0, start + happening.at - clock.now()));
    const file = await write(lake, clock, happening);
    if (happening.say !== null) say.landed(`${happening.table}@${happening.day}`, happening.say);
    if (happening.repeated === true) {
      await repeat(file);
      say.landed(`${happening.table}@${happening.day}`, "the same notification once more");
    }
  }
  await clock.sleep(Math.max(0, start + endMs - clock.now()));
  await lake.close();
}

/** Waits until no job runs and none is about to. */
async function quiet(store: TaskStore): Promise<void> {
  for (;;) {
    const tasks = await store.listTasks({ limit: 10_000 });
    if (!tasks.some(({ state }) => isLive(state) || state.kind === "retrying")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function report(store: TaskStore, data: string): Promise<void> {
  const { documentsRead, documentsWritten } = store.counters();
  const tasks = await store.listTasks({ limit: 10_000 });
  process.stdout.write(`\n${tasksTable(tasks)}\n\nWhat waits, and for what:\n`);
  for (const task of tasks.filter(({ state }) => state.kind === "waiting")) {
    process.stdout.write(
      reasonText(
        await withState({ data }, (state) => ask(state, (d) => explainTask(d, task.id))),
        "  ",
      ),
    );
  }
  process.stdout.write(
    `\nWhether fetchers answer what models learn from:\n${await checked(tasks, store)}\n`,
  );
  const latencies = (await launchLatencies(store, tasks, Settings.parse(settings))).map(
    (ms) => ms / speed,
  );
  process.stdout.write(
    [
      "",
      `Inputs complete to job launched: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms of real time, over ${latencies.length} launches.`,
      `A sensor that pokes every five minutes notices after 150,000 ms on average.`,
      `Documents: ${documentsWritten} written and ${documentsRead} read for ${happenings.length} commits landing and ${tasks.length} tasks: ${(documentsWritten / tasks.length).toFixed(1)} and ${(documentsRead / tasks.length).toFixed(1)} per task.`,
      "",
    ].join("\n"),
  );
}

/** What `landfall consistency` says of the checked join. */
async function checked(tasks: readonly Task[], store: TaskStore): Promise<string> {
  const ids = tasks
    .filter(({ mode }) => mode === "publish-metrics")
    .map(({ config, end }) => `consistency/${config}@${end}` as const);
  const read = await store.read(ids);
  return consistencyText(
    ids.flatMap((id) => read.get(id)?.body ?? []) as readonly ConsistencyDocument[],
  );
}

async function main(): Promise<void> {
  const clock = scaledClock({ start, speed });
  const say = narrator(process.stdout, clock);
  const data = join(folder, "data");
  const parsed = Settings.parse(settings);
  const world = openEmbedded({
    data,
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour },
    settings: parsed,
    log: say.log,
    clock,
  });
  const stop = new Subject<void>();
  process.stdout.write(
    `Three days of a payments-risk team, ${dayTakesMs / 1000} s a day. Configs: examples/payments-risk.\n${colors.dim("Times are the story's, UTC. Jobs are rehearsed: nothing but this machine is touched.")}\n\n`,
  );
  const release = await writeRelease(world.configs, await readConfigs(configs));
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const pace = {
    beatMs: 250 * speed,
    reconcileMs: 30_000 * speed,
    saveMs: 2_000 * speed,
    patienceMs: 60_000 * speed,
  };
  const done = runServices({ world, settings: parsed, log: say.log, stop, pace, streams: true });
  await Promise.race([done, play(clock, say)]);
  await quiet(world.store);
  stop.next();
  await done;
  await report(world.store, data);
  await world.close();
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
