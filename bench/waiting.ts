import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "rxjs";
import { openEmbedded } from "../adapters/embedded/open.ts";
import { runServices } from "../cli/run-services.ts";
import { addDays } from "../core/dates.ts";
import type { JobRunner } from "../ports/job-runner.ts";
import { silentLog } from "../ports/log.ts";
import type { TaskStore } from "../ports/task-store.ts";
import { writeRelease } from "../releases/release.ts";
import { RehearsalBehaviour } from "../schemas/rehearsal.ts";
import { Settings } from "../schemas/settings.ts";
import { task } from "../test/support/documents.ts";
import { stagingQueryFiles } from "../test/support/staging-queries.ts";
import { print, quantiles } from "./print.ts";
import { landSource } from "./source.ts";

/**
 * From the commit of a partition that ten tasks wait for to the tenth submit, with few and with very
 * many other tasks waiting in the store.
 */
const concerned = 10;
const landings = 50;
const others = 1_000;
const firstDay = "2025-01-01";

async function preload(store: TaskStore, waiting: number): Promise<void> {
  const wakeAt = Date.now() + 6 * 3_600_000;
  const ids = Array.from(
    { length: waiting },
    (_, at) => `t.o${at % others}__0/backfill@${addDays(firstDay, Math.floor(at / others))}`,
  );
  for (let at = 0; at < ids.length; at += 400) {
    const writes = ids.slice(at, at + 400).map((id) => ({
      id: `tasks/${id}` as const,
      body: task(id, { wakeAt }),
      version: null,
    }));
    const answer = await store.commit({ writes, checks: [] });
    if (answer.kind !== "committed") throw new Error(`preloading: ${answer.kind}`);
  }
}

function files(): { path: string; text: string }[] {
  const asked = Array.from({ length: concerned }, (_, at) => [`c${at}`, ["bench.source"]] as const);
  const rest = Array.from({ length: others }, (_, at) => [`o${at}`, ["bench.never"]] as const);
  return stagingQueryFiles(Object.fromEntries([...asked, ...rest].map(([q, t]) => [q, [...t]])));
}

async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function measure(waiting: number, folder: string): Promise<number> {
  const settings = Settings.parse({ externalClosing: { when: "at-landing" }, pools: {} });
  const opened = openEmbedded({
    data: join(folder, "data"),
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({ durationMs: 0 }) },
    settings,
    log: silentLog,
  });
  let submitted = 0;
  const runner: JobRunner = {
    ...opened.runner,
    submit(job) {
      submitted += 1;
      return opened.runner.submit(job);
    },
  };
  const world = { ...opened, runner };
  await preload(world.store, waiting);
  await landSource(world.lake, addDays(firstDay, -1));
  const release = await writeRelease(world.configs, files());
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const stop = new Subject<void>();
  const done = runServices({ world, settings, log: silentLog, stop });
  await until(() => submitted >= concerned);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const tookMs: number[] = [];
  for (let nth = 0; nth < landings; nth++) {
    const wanted = submitted + concerned;
    const begun = performance.now();
    await landSource(world.lake, addDays(firstDay, nth));
    await until(() => submitted >= wanted);
    tookMs.push(performance.now() - begun);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  stop.next();
  await done;
  await world.close();
  const { p50, p99, max } = quantiles(tookMs);
  print({ bench: "waiting", unit: "ms", waiting, concerned, landings, p50, p99, max });
  return p50;
}

const medians: number[] = [];
for (const waiting of [100, 1_000, 10_000, 100_000]) {
  const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));
  try {
    medians.push(await measure(waiting, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const [few = 1] = medians;
print({ bench: "waiting", ratioOfMedians: Math.round(((medians.at(-1) ?? 0) / few) * 100) / 100 });
