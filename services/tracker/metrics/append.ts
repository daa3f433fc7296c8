import { jobMetrics, type MetricsAbout } from "../../../core/job-metrics.ts";
import { streamMetrics } from "../../../core/streams/job-metrics.ts";
import type { JobMetricsTable } from "../../../lake/job-metrics.ts";
import type { Metrics } from "../../../ports/metrics.ts";
import type { DocumentVersion } from "../../../ports/task-store.ts";
import type { DocumentOf } from "../../../schemas/documents.ts";
import type { JobMetric } from "../../../schemas/job-metrics.ts";
import { streamsIn } from "../read.ts";
import type { MeasuringPorts } from "./pipeline.ts";

const ledger = "job-metrics/read";

/**
 * Appends a row for every attempt of a task that finished since the last look.
 *
 * - M1 the table says which rows it has, and takes none twice; the ledger only says where to go on
 *   looking. It is written after the rows: what an appender that died had appended is looked at
 *   again, and nothing is left out.
 * - M2 two appenders read the same tasks; of each row one makes the commit, the other finds it there.
 */
export function appending(
  ports: MeasuringPorts,
  tableNow: () => Promise<JobMetricsTable>,
): () => Promise<void> {
  const { store, settings, clock, metrics } = ports;
  const about = aboutRows(settings);
  return async () => {
    const table = await tableNow();
    let { version, body } = await readLedger(ports);
    for (let more = true; more; ) {
      const cursor = body?.cursor ?? null;
      const page = await store.endedTasks(cursor, settings.metrics.tasksMax);
      const rows = page.tasks.flatMap((task) => jobMetrics(task, about));
      for (const row of await table.append(rows, clock.now())) measureAttempt(metrics, row);
      ({ more } = page);
      if (page.cursor === null || page.cursor === cursor) continue;
      body = { schema: 1, cursor: page.cursor, at: clock.now() };
      const answer = await store.commit({ writes: [{ id: ledger, body, version }], checks: [] });
      // Another appender is at the same work, or nobody knows: the next look reads where to go on.
      if (answer.kind !== "committed") return;
      ({ version } = answer);
    }
  };
}

/** Appends a row for every attempt of a stream that finished: they are few, and all are looked at. */
export function appendingStreams(
  { store, settings, clock, metrics }: MeasuringPorts,
  tableNow: () => Promise<JobMetricsTable>,
): () => Promise<void> {
  const about = aboutRows(settings);
  let appended: ReadonlySet<string> = new Set();
  return async () => {
    const streams = await streamsIn(store);
    const finished = streams.flatMap((stream) => streamMetrics(stream, about));
    const fresh = finished.filter(({ jobId }) => !appended.has(jobId));
    const table = fresh.length === 0 ? null : await tableNow();
    const added = (await table?.append(fresh, clock.now())) ?? [];
    for (const row of added) measureAttempt(metrics, row);
    appended = new Set(finished.map(({ jobId }) => jobId));
  };
}

function aboutRows({ deployment, metrics }: MeasuringPorts["settings"]): MetricsAbout {
  return { deployment, settings: metrics };
}

interface Ledger {
  readonly version: DocumentVersion | null;
  readonly body: DocumentOf<typeof ledger> | null;
}

async function readLedger({ store }: MeasuringPorts): Promise<Ledger> {
  const read = (await store.read([ledger])).get(ledger);
  return (read ?? { version: null, body: null }) as Ledger;
}

function measureAttempt(metrics: Metrics, row: JobMetric): void {
  const { team, pipeline, jobType, state, errorClass, durationMs, cost, currency } = row;
  const labels = { team, pipeline, job_type: jobType };
  metrics.measure("landfall.attempts", 1, { ...labels, state, error_class: errorClass ?? "none" });
  if (durationMs !== null) {
    metrics.measure("landfall.attempt.duration", durationMs / 1_000, { ...labels, state });
  }
  if (cost !== null)
    metrics.measure("landfall.cost", cost, { ...labels, currency: currency ?? "" });
}
