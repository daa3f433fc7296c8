import {
  consistencyLine,
  featuresOf,
  publishedOf,
  rateColumns,
  ratesOf,
} from "../../core/consistency.ts";
import { lakeTable } from "../../core/lake-layout.ts";
import { partitionRows } from "../../lake/partition-rows.ts";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { inTrace, type Log } from "../../ports/log.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import type { PlanStep, PlanTable } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Trace } from "../../schemas/trace.ts";

export interface PublishingPorts {
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics?: Metrics;
}

/** Which day of which join is to be published. */
export interface Publishing {
  readonly step: PlanStep;
  readonly tables: ReadonlyMap<TableName, PlanTable>;
  readonly partition: Partition;
  readonly trace: Trace | undefined;
}

/**
 * Publishes what a day's consistency check found: the document `consistency/{join}@{day}`, and a
 * line of the log. The document is read first, then the lake, and is written only if nobody wrote
 * it in between: so of several that publish at once, or again, the last has read what is newest.
 * Throws `RetryableError` when the world does not answer, else a sentence about the table.
 */
export async function publishMetrics(ports: PublishingPorts, of: Publishing): Promise<void> {
  const { store } = ports;
  const id = `consistency/${of.step.config}@${of.partition}` as const;
  for (;;) {
    const before = (await store.read([id])).get(id)?.version ?? null;
    const found = await foundIn(ports, of);
    const answer = await store.commit({
      writes: [{ id, body: found, version: before }],
      checks: [],
    });
    if (answer.kind === "unknown") throw new RetryableError(answer.cause);
    if (answer.kind === "committed") return tell(ports, of, found);
  }
}

async function foundIn(
  { lake, clock, settings }: PublishingPorts,
  { step, tables, partition }: Publishing,
): Promise<ConsistencyDocument> {
  const { config: join, team } = step;
  const table = step.inputs[0]?.table ?? "";
  const known = tables.get(table);
  const place = known === undefined ? null : lakeTable(table, [known], settings.tables);
  if (place === null) throw new PermanentError(`cannot tell where ${table} lies in the lake`);
  const { columns, rows } = await partitionRows(lake, { table: place, partition }, rateColumns);
  const features = featuresOf(columns);
  if (features.length === 0 && rows.length > 0) {
    throw new PermanentError(
      `${table} has no columns of counts, such as <feature>_total_count: is it what consistency-metrics-compute wrote?`,
    );
  }
  const about = { join, team, partition, table, hours: rows.length, at: clock.now() };
  return publishedOf(about, ratesOf(features, rows));
}

/** The one place where rates are told of, beside their document. */
function tell(
  { log, metrics }: PublishingPorts,
  { trace }: Publishing,
  found: ConsistencyDocument,
): void {
  const { join, team, partition, match, compared, hours, features } = found;
  const worst = features.slice(0, 5).map(({ feature, match: rate }) => ({ feature, match: rate }));
  const fields = { join, partition, match, compared, hours, worst, ...inTrace(trace) };
  log.info(fields, `consistency of ${join} at ${partition}: ${consistencyLine(found)}`);
  if (match !== null) metrics?.measure("landfall.consistency.match", match, { team, join });
}
