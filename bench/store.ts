import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteBus } from "../adapters/embedded/bus.ts";
import { openDatabase } from "../adapters/embedded/database.ts";
import { sqliteTaskStore } from "../adapters/embedded/task-store.ts";
import { taskStorePart } from "../adapters/embedded/task-table.ts";
import type { DocumentVersion } from "../ports/task-store.ts";
import { taskId } from "../schemas/ids.ts";
import { landed, task, tick } from "../test/support/documents.ts";
import { print, quantiles } from "./print.ts";

/** The embedded store and bus alone: how long commits, reads and deliveries take. */
const folder = mkdtempSync(join(tmpdir(), "landfall-bench-store-"));
const storeFile = join(folder, "state.db");
const busFile = join(folder, "bus.db");

for (const documents of [1, 100, 400])
  print(await commits(documents, documents === 1 ? 5_000 : 100));
print(await throughput(200_000, 500));
print(await latency(5_000));
rmSync(folder, { recursive: true });

/** What SQLite was asked to do at a commit, as it says itself. */
function synchronous(): string {
  const database = openDatabase(storeFile, taskStorePart);
  const [level = -1] = database.statement<[number]>("PRAGMA synchronous").get() ?? [];
  database.close();
  return ["OFF", "NORMAL", "FULL", "EXTRA"][level] ?? "unknown";
}

/** Tasks written again and again, each on the version it was read at. */
async function commits(documents: number, times: number) {
  const store = sqliteTaskStore({ file: storeFile });
  const ids = Array.from({ length: documents }, (_, n) =>
    taskId(`risk.features_${n}.v1/upload`, { start: "2025-09-30", end: "2025-09-30" }),
  );
  const keys = ids.map((id) => `tasks/${id}` as const);
  const known = await store.read(keys);
  const commitMs: number[] = [];
  const readMs: number[] = [];
  let version: DocumentVersion | undefined;
  for (let n = 0; n < times; n += 1) {
    const writes = keys.map((id, at) => ({
      id,
      body: task(ids[at] ?? "", { wakeAt: n, why: `written ${n} times` }),
      version: version ?? known.get(id)?.version ?? null,
    }));
    const answer = await timed(commitMs, () => store.commit({ writes, checks: [] }));
    if (answer.kind !== "committed") throw new Error(answer.kind);
    ({ version } = answer);
    await timed(readMs, () => store.read(keys));
  }
  await store.close();
  const figures = { commitMs: quantiles(commitMs), readMs: quantiles(readMs) };
  return {
    bench: "store",
    figure: "commit",
    documents,
    times,
    ...figures,
    synchronous: synchronous(),
  };
}

async function timed<T>(sample: number[], work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  sample.push(performance.now() - begun);
  return result;
}

/** Events published in batches and acked as they come, within one process. */
async function throughput(events: number, batch: number) {
  const bus = sqliteBus({ file: busFile });
  const begun = performance.now();
  let delivered = 0;
  const all = new Promise<void>((resolve) => {
    bus.deliveries({ unackedMax: 1_000, leaseMs: 60_000 }).subscribe((delivery) => {
      delivery.ack();
      delivered += 1;
      if (delivered === events) resolve();
    });
  });
  for (let from = 0; from < events; from += batch) {
    await bus.publish(Array.from({ length: batch }, (_, n) => landed("data.events", from + n)));
    if (from % 10_000 === 0) await new Promise(setImmediate);
  }
  await all;
  const eventsPerSecond = Math.round((events / (performance.now() - begun)) * 1_000);
  await bus.close();
  return {
    bench: "store",
    figure: "bus-throughput",
    events,
    batch,
    eventsPerSecond,
    synchronous: synchronous(),
  };
}

/** One event at a time, from before `publish` to its delivery. */
async function latency(events: number) {
  const bus = sqliteBus({ file: busFile });
  const deliveryMs: number[] = [];
  let publishedAt = 0;
  let next = () => {};
  bus.deliveries({ unackedMax: 1_000, leaseMs: 60_000 }).subscribe((delivery) => {
    deliveryMs.push(performance.now() - publishedAt);
    delivery.ack();
    next();
  });
  for (let n = 0; n < events; n += 1) {
    const delivered = new Promise<void>((resolve) => {
      next = resolve;
    });
    publishedAt = performance.now();
    await bus.publish([tick(n)]);
    await delivered;
    await new Promise(setImmediate);
  }
  await bus.close();
  return {
    bench: "store",
    figure: "publish-to-delivery",
    events,
    deliveryMs: quantiles(deliveryMs),
    synchronous: synchronous(),
  };
}
