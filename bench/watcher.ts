import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastValueFrom, Observable, Subject } from "rxjs";
import { systemClock } from "../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../adapters/embedded/task-store.ts";
import { bringsNews, lakeLayout } from "../core/lake-layout.ts";
import { commitObject, readCommit } from "../lake/delta-log.ts";
import type { Bus } from "../ports/bus.ts";
import { silentLog } from "../ports/log.ts";
import { Settings } from "../schemas/settings.ts";
import { watcher } from "../services/watcher/pipeline.ts";
import { actions, planTable } from "../test/support/lake.ts";
import { print, quantiles } from "./print.ts";

/** The watcher alone: names thrown away, a rename to its event, a huge commit. */
const tables = 10_000;
const names = Array.from({ length: tables }, (_, at) => `lake.table_${at}`);
const root = mkdtempSync(join(tmpdir(), "landfall-bench-watcher-"));

print(locating());
print(await latency(1_000));
print(await hugeCommit(100));
rmSync(root, { recursive: true });

/** How many names that say nothing the layout of 10,000 tables throws away in a second. */
function locating() {
  const { locate } = lakeLayout(
    names.map((name) => planTable(name)),
    {},
  );
  const irrelevant = Array.from({ length: 100_000 }, (_, at) => {
    const path = `lake/table_${at % tables}`;
    return [
      `${path}/ds=2025-09-30/part-${String(at).padStart(5, "0")}-3a0d65cd.c000.snappy.parquet`,
      `${path}/_delta_log/${String(at).padStart(20, "0")}.checkpoint.parquet`,
      `${path}/_delta_log/${String(at).padStart(20, "0")}.crc`,
      `${path}/ds=2025-09-30/_temporary/0/_SUCCESS`,
    ];
  }).flat();
  const begun = performance.now();
  const found = irrelevant.filter((name) => locate(name) !== null).length;
  const perSecond = Math.round((irrelevant.length / (performance.now() - begun)) * 1_000);
  return { bench: "watcher", figure: "irrelevant names", tables, found, perSecond };
}

/** From the rename of a commit by another process to the call of publish, 10,000 tables watched. */
async function latency(commits: number) {
  const lake = directoryObjectStore({ root: join(root, "lake-folder"), watched: bringsNews });
  const configs = directoryObjectStore({ root: join(root, "configs") });
  const store = sqliteTaskStore({ file: join(root, "state.db") });
  for (const name of names) {
    mkdirSync(join(root, "lake-folder", name.replace(".", "/"), "_delta_log"), { recursive: true });
  }
  const planTables = names.map((name) => planTable(name));
  await configs.write("plans/bench.json", Buffer.from(JSON.stringify({ tables: planTables })));
  const body = { schema: 1, hash: "bench", release: "r", at: 0 } as const;
  await store.commit({ writes: [{ id: "plans/current", body, version: null }], checks: [] });

  const latencyMs: number[] = [];
  const all = new Subject<void>();
  const begun = performance.now();
  const bus: Bus = {
    async publish(events) {
      for (const event of events) {
        if (event.kind !== "partition-landed") continue;
        latencyMs.push(performance.timeOrigin + performance.now() - event.landing.at / 1_000);
        if (latencyMs.length === commits) all.next();
      }
    },
    deliveries: () => new Observable(),
    deadLetter: async () => {},
    deadLetters: async () => [],
    close: async () => {},
  };
  const done = new Promise<void>((resolve) => all.subscribe(() => resolve()));
  const clock = systemClock();
  const settings = Settings.parse({});
  const stop = new Subject<void>();
  const running = lastValueFrom(
    watcher({ bus, store, lake, configs, clock, settings, log: silentLog }, stop),
    { defaultValue: undefined },
  );
  while ((await unread(store)) > 0) await clock.sleep(100);
  const readyMs = Math.round(performance.now() - begun);
  await clock.sleep(1_000);
  foreignWriter(commits);
  await done;
  stop.next();
  await running;
  await store.close();
  const figures = quantiles(latencyMs);
  return {
    bench: "watcher",
    figure: "rename to publish",
    tables,
    commits,
    perSecond: 100,
    readyMs,
    latencyMs: figures,
  };
}

async function unread(store: ReturnType<typeof sqliteTaskStore>): Promise<number> {
  const ids = names.map((name) => `cursors/${name}` as const);
  const read = await store.read(ids);
  return [...read.values()].filter(({ body }) => body === null).length;
}

/** A process that renames commits into place, 100 a second; each says its moment in microseconds. */
function foreignWriter(commits: number): void {
  const script = `
    const fs = require("node:fs");
    let at = 0;
    const timer = setInterval(() => {
      const log = "lake/table_" + (at % ${tables}) + "/_delta_log/";
      const line = (us) => JSON.stringify({ commitInfo: { timestamp: us } }) + "\\n" + ${JSON.stringify(
        [actions.metaData("t", "ds"), actions.add("a", { ds: "2025-09-30" })]
          .map((action) => JSON.stringify(action))
          .join("\n"),
      )};
      fs.writeFileSync("tmp", line(Math.round((performance.timeOrigin + performance.now()) * 1000)));
      fs.renameSync("tmp", log + "00000000000000000000.json");
      at += 1;
      if (at === ${commits}) clearInterval(timer);
    }, 10);`;
  spawn(process.execPath, ["-e", script], { cwd: join(root, "lake-folder"), stdio: "inherit" });
}

/** How long reading a commit of many megabytes takes, and how long it holds up everything else. */
async function hugeCommit(megabytes: number) {
  const lake = directoryObjectStore({ root: join(root, "huge") });
  const line = JSON.stringify(
    actions.add(
      `ds=2025-09-30/part-${"x".repeat(60)}.parquet`,
      { ds: "2025-09-30" },
      {
        stats: JSON.stringify({
          numRecords: 10,
          minValues: { a: "x".repeat(200) },
          maxValues: { a: "y".repeat(200) },
        }),
      },
    ),
  );
  const lines = Math.round((megabytes * 1_000_000) / line.length);
  await lake.write(commitObject("db/t", 0), Buffer.from(`${line}\n`.repeat(lines)));
  let worstMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    worstMs = Math.max(worstMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const begun = performance.now();
  const found = await readCommit(lake, "db/t", 0);
  const readMs = Math.round(performance.now() - begun);
  clearInterval(timer);
  const files = found.kind === "commit" ? found.commit.files.length : 0;
  const rssMb = Math.round(process.memoryUsage().rss / 1_000_000);
  return {
    bench: "watcher",
    figure: "huge commit",
    megabytes,
    files,
    readMs,
    worstPauseMs: Math.round(worstMs),
    rssMb,
  };
}
