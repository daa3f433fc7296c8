import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../adapters/embedded/task-store.ts";
import { silentLog } from "../ports/log.ts";
import { noMetrics } from "../ports/metrics.ts";
import type { TaskStore } from "../ports/task-store.ts";
import { MetricsSettings } from "../schemas/metrics-settings.ts";
import { Settings } from "../schemas/settings.ts";
import { appending } from "../services/tracker/metrics/append.ts";
import { attemptsTable } from "../services/tracker/metrics/table.ts";
import { attempt, task } from "../test/support/documents.ts";
import { print } from "./print.ts";

/**
 * 10,000 finished attempts appended to their table in a folder, from documents in SQLite; a look that
 * finds nothing new; and another tracker that sees all of them again, and finds them in the table.
 */
const attempts = 10_000;
const perCommit = 100;

async function fill(store: TaskStore): Promise<void> {
  for (let n = 0; n < attempts; n += perCommit) {
    const writes = Array.from({ length: perCommit }, (_, at) => {
      const id = `risk.a${n + at}.v1__0/upload@2025-09-30`;
      const ended = attempt({
        jobId: `job-${n + at}`,
        startedAt: 1_759_000_000_000,
        error: "boom",
      });
      const runs = [{ run: 1, because: "inputs complete", at: 1, attempts: [ended] }];
      return { id: `tasks/${id}` as const, version: null, body: task(id, { runs }) };
    });
    await store.commit({ writes, checks: [] });
  }
}

async function timed(look: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await look();
  return Math.round(performance.now() - began);
}

const folder = mkdtempSync(join(tmpdir(), "landfall-bench-"));
const store = sqliteTaskStore({ file: join(folder, "state.db") });
await fill(store);
const tracker = () => {
  const lake = directoryObjectStore({ root: join(folder, "lake") });
  const settings = { ...Settings.parse({}), metrics: MetricsSettings.parse({}) };
  const seen = { metrics: noMetrics, store, lake, configs: lake, clock: systemClock() };
  const ports = { ...seen, settings, log: silentLog };
  return appending(ports, attemptsTable(ports, "landfall.job_metrics"));
};
const look = tracker();
const allMs = await timed(look);
const nothingMs = await timed(look);
const id = "job-metrics/read" as const;
const { version = null } = (await store.read([id])).get(id) ?? {};
await store.commit({ writes: [{ id, body: null, version }], checks: [] });
const againMs = await timed(tracker());
print({ bench: "job-metrics", attempts, allMs, nothingMs, againMs });
rmSync(folder, { recursive: true });
process.exit(0);
