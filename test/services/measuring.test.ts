import { NEVER, of, Subject } from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { recordedMetrics } from "../../adapters/simulated/metrics.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { simulatedTaskStore } from "../../adapters/simulated/task-store.ts";
import { readJobMetrics } from "../../lake/job-metrics.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { storeOperations } from "../../services/store-operations.ts";
import { appending, appendingStreams } from "../../services/tracker/metrics/append.ts";
import { gauging } from "../../services/tracker/metrics/gauges.ts";
import { type MeasuringPorts, measuring } from "../../services/tracker/metrics/pipeline.ts";
import { attemptsTable } from "../../services/tracker/metrics/table.ts";
import { attempt, landed, landings, pool, task } from "../support/documents.ts";
import { input, planOf, step } from "../support/plan.ts";
import { streamStory } from "../support/stream-story.ts";
import { put } from "../support/task-stores.ts";

const table = (ports: MeasuringPorts) => attemptsTable(ports, "landfall.job_metrics");
const appendingTo = (ports: MeasuringPorts) => appending(ports, table(ports));
const appendingStreamsTo = (ports: MeasuringPorts) => appendingStreams(ports, table(ports));

/** A store and a lake that outlive those who look at them. */
function place() {
  const documents = simulatedTaskStore();
  const clock = systemClock();
  const objects = simulatedObjectStore({ clock });
  const warnings: string[] = [];
  const log: Log = {
    info() {},
    error() {},
    warn: (fields) => warnings.push(JSON.stringify(fields)),
  };
  const store = documents.open();
  const ports = (more: Partial<MeasuringPorts> = {}): MeasuringPorts => ({
    metrics: recordedMetrics(),
    store: documents.open(),
    lake: objects.open(),
    configs: objects.open(),
    clock,
    settings: {
      ...Settings.parse({ pools: { spark: { limit: 5 } }, teams: { risk: { limit: 7 } } }),
      metrics: MetricsSettings.parse({ tasksMax: 3, appendMs: 100, gaugeMs: 100 }),
    },
    log,
    ...more,
  });
  /** The task after attempts of so many runs ended, each with one job. */
  const ended = (n: number, runs = 1): Task =>
    task(`risk.a${n}.v1__0/upload@2025-09-30`, {
      runs: Array.from({ length: runs }, (_, at) => ({
        run: at + 1,
        because: "inputs complete",
        at: 1,
        attempts: [attempt({ jobId: `job-${n}-${at + 1}`, startedAt: 1_759_000_000_000 })],
      })),
    });
  return {
    store,
    ports,
    warnings,
    ended,
    end: (n: number, runs = 1) => put(store, `tasks/${ended(n).id}`, ended(n, runs)),
    async rows() {
      const rows = await readJobMetrics(objects.open(), "landfall/job_metrics", "2025-01-01");
      return rows.map(({ jobId }) => jobId).toSorted();
    },
    commits: async () => (await objects.open().list("landfall/job_metrics/_delta_log/")).length,
  };
}

const names = (...numbers: readonly number[]) => numbers.map((n) => `job-${n}-1`);

describe("finished attempts", () => {
  let at: ReturnType<typeof place>;
  beforeEach(() => {
    at = place();
  });

  test("are appended once, many together, and measured", async () => {
    const ports = at.ports();
    const look = appendingTo(ports);
    for (let n = 1; n <= 7; n += 1) await at.end(n);
    await look();
    await look();
    expect(await at.rows()).toEqual(names(1, 2, 3, 4, 5, 6, 7));
    expect(await at.commits()).toBe(3);
    const { measured } = ports.metrics as ReturnType<typeof recordedMetrics>;
    expect(measured.filter(({ name }) => name === "landfall.attempts")).toHaveLength(7);
    expect(measured[0]?.labels).toMatchObject({ team: "risk", state: "failed" });
  });

  test("of a task that ran again between two looks none is left out", async () => {
    const look = appendingTo(at.ports());
    await at.end(1, 1);
    await look();
    await at.end(1, 4);
    await look();
    expect(await at.rows()).toEqual([1, 2, 3, 4].map((run) => `job-1-${run}`));
  });

  test("of an appender killed between its commit and the ledger are there once", async () => {
    await at.end(1);
    const ports = at.ports();
    const dying = {
      ...ports.store,
      async commit(): Promise<never> {
        throw new Error("killed");
      },
    };
    await expect(appendingTo({ ...ports, store: dying })()).rejects.toThrow("killed");
    expect(await at.rows()).toEqual(names(1));
    await at.end(2);
    await appendingTo(at.ports())();
    expect(await at.rows()).toEqual(names(1, 2));
  });

  test("of an appender killed at any write are there once when another has looked", async () => {
    for (let n = 1; n <= 7; n += 1) await at.end(n);
    for (let lives = 0; lives < 12; lives += 1) {
      const ports = at.ports();
      let left = lives;
      const mortal = <A extends unknown[], R>(call: (...of: A) => Promise<R>) => {
        return async (...of: A): Promise<R> => {
          if (left-- === 0) throw new Error("killed");
          return call(...of);
        };
      };
      const lake = {
        ...ports.lake,
        write: mortal((...of: Parameters<ObjectStore["write"]>) => ports.lake.write(...of)),
      };
      const store = {
        ...ports.store,
        commit: mortal((changes: Parameters<TaskStore["commit"]>[0]) =>
          ports.store.commit(changes),
        ),
      };
      await appendingTo({ ...ports, lake, store })().catch(() => {});
    }
    expect(await at.rows()).toEqual(names(1, 2, 3, 4, 5, 6, 7));
  });

  test("of four appenders at once are there once", async () => {
    const looks = Array.from({ length: 4 }, () => appendingTo(at.ports()));
    for (let n = 1; n <= 20; n += 1) {
      await at.end(n);
      if (n % 5 === 0) await Promise.all(looks.map((look) => look()));
    }
    for (const look of looks) await look();
    expect(await at.rows()).toEqual(
      names(...Array.from({ length: 20 }, (_, n) => n + 1)).toSorted(),
    );
  });
});

test("attempts of streams are appended once, and measured", async () => {
  const at = place();
  const stream = streamStory();
  stream.look();
  const [first] = stream.document().attempts;
  stream.end(first?.jobId ?? "", "failed", "OutOfMemoryError: Java heap space");
  stream.look();
  const { config } = stream.document();
  await put(at.store, "streaming/all", { schema: 1, configs: [config, "risk.new.v1"] });
  await put(at.store, `streams/${config}`, stream.document());
  const ports = at.ports();
  const look = appendingStreamsTo(ports);
  await look();
  await look();
  await appendingStreamsTo(at.ports())();
  expect(await at.rows()).toEqual([first?.jobId]);
  expect(await at.commits()).toBe(1);
  const { measured } = ports.metrics as ReturnType<typeof recordedMetrics>;
  expect(measured.filter(({ name }) => name === "landfall.attempts")).toMatchObject([
    { labels: { team: "risk", job_type: "streaming", error_class: "OutOfMemoryError" } },
  ]);
});

test("queues, pools and the freshness of tables are measured", async () => {
  const at = place();
  const ports = at.ports();
  const plan = { ...planOf(step("sq", [input("data.x")])).plan, hash: "p1" };
  await ports.configs.write("plans/p1.json", Buffer.from(JSON.stringify(plan)));
  await put(at.store, "plans/current", { schema: 1, hash: "p1", release: "r", at: 1 });
  const today = new Date().toISOString().slice(0, 10);
  const partitions = { [today]: landed("data.x", 1, today).landing };
  const month = today.slice(0, 7);
  await put(at.store, `landings/data.x@${month}`, landings("data.x", { month, partitions }));
  await put(at.store, "pools/spark", { ...pool("spark", 5), holders: { "a/b@2025-09-30": "j" } });
  for (const n of [1, 2]) {
    const state = { kind: "ready", since: 1, because: null } as const;
    const waiting = { ...at.ended(n), state, queuedFor: "spark" };
    await put(at.store, `tasks/${waiting.id}`, waiting);
  }
  await gauging(ports)();
  const { measured } = ports.metrics as ReturnType<typeof recordedMetrics>;
  const ofTeam = measured.filter(({ labels }) => labels["pool"] === "team:risk");
  expect(ofTeam.map(({ value }) => value)).toEqual([7, 0, 0]);
  const others = measured.filter((one) => !ofTeam.includes(one));
  const values = new Map(others.map(({ name, value }) => [name, value]));
  expect(values.get("landfall.pool.limit")).toBe(5);
  expect(values.get("landfall.pool.used")).toBe(1);
  expect(values.get("landfall.queue.depth")).toBe(2);
  const fresh = values.get("landfall.table.freshness") ?? Number.NaN;
  expect(fresh).toBeLessThanOrEqual(0);
  expect(fresh).toBeGreaterThan(-86_500);
});

describe("the stream of looks", () => {
  const stop = new Subject<void>();
  afterEach(() => stop.next());

  test("goes on when the lake does not answer, says so once, and ends when told", async () => {
    const at = place();
    await at.end(1);
    const ports = at.ports();
    let refusals = 3;
    const lake = {
      ...ports.lake,
      async write(...of: Parameters<typeof ports.lake.write>) {
        if (refusals-- > 0) throw new Error("the lake is away");
        return ports.lake.write(...of);
      },
    };
    const done = new Promise<void>((resolve, reject) => {
      measuring({ ...ports, lake }, stop).subscribe({ complete: resolve, error: reject });
    });
    await expect.poll(() => at.rows(), { timeout: 10_000 }).toEqual(names(1));
    expect(at.warnings).toEqual(['{"reason":"the lake is away"}']);
    stop.next();
    await done;
  });
});

test("what was asked of the store is measured, each operation once", () => {
  const metrics = recordedMetrics();
  const counts = {
    documentsRead: 5,
    documentsWritten: 2,
    documentsChecked: 0,
    commits: 1,
    conflicts: 0,
  };
  const after = [counts, { ...counts, documentsRead: 9, conflicts: 1 }];
  const ports = {
    metrics,
    store: { counters: () => after.shift() ?? counts },
    clock: { every: () => of(0, 10_000) },
    service: "tracker",
  };
  storeOperations(ports, NEVER).subscribe();
  expect(metrics.measured.map(({ value, labels }) => [labels["operation"], value])).toEqual([
    ["read", 5],
    ["write", 2],
    ["commit", 1],
    ["read", 4],
    ["conflict", 1],
  ]);
});
