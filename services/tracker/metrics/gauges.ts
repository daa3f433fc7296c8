import { addDays, partitionAt } from "../../../core/dates.ts";
import { freshnessMs } from "../../../core/freshness.ts";
import { landingsId } from "../../../core/landings.ts";
import { sharedPools } from "../../../core/pool-limits.ts";
import type { DocumentId, DocumentOf } from "../../../schemas/documents.ts";
import type { TableName } from "../../../schemas/ids.ts";
import { planNow } from "../plan-now.ts";
import type { MeasuringPorts } from "./pipeline.ts";

const depthMax = 1_000;
const tablesPerRead = 150;
/** A table whose newest day is older has no freshness worth a read of every month. */
const monthDays = 28;

/** Measures what can only be looked at: queues, pools, and how fresh tables are. */
export function gauging(ports: MeasuringPorts): () => Promise<void> {
  const plan = planNow(ports);
  return async () => {
    await measurePools(ports);
    const tables = (await plan())?.index.tables.keys() ?? [];
    await measureFreshness(ports, [...tables]);
  };
}

async function measurePools({ store, settings, metrics }: MeasuringPorts): Promise<void> {
  const pools = sharedPools(settings);
  const read = await store.read(pools.map(({ pool }) => `pools/${pool}` as const));
  for (const { pool, limit } of pools) {
    const body = read.get(`pools/${pool}`)?.body as DocumentOf<`pools/${string}`> | null;
    const waiting = await store.queuedTasks(pool, depthMax);
    metrics.measure("landfall.pool.limit", limit, { pool });
    metrics.measure("landfall.pool.used", Object.keys(body?.holders ?? {}).length, { pool });
    metrics.measure("landfall.queue.depth", waiting.length, { pool });
  }
}

/** Of tables that had a day land this month or the last; others have not been fresh for weeks. */
async function measureFreshness(
  { store, clock, metrics }: MeasuringPorts,
  tables: readonly TableName[],
): Promise<void> {
  const now = clock.now();
  const today = partitionAt(now);
  const days = [today, addDays(today, -monthDays)];
  for (let at = 0; at < tables.length; at += tablesPerRead) {
    const page = tables.slice(at, at + tablesPerRead);
    const idsOf = (table: TableName): DocumentId<"landings">[] => [
      ...new Set(days.map((day) => landingsId(table, day))),
    ];
    const read = await store.read(page.flatMap(idsOf));
    for (const table of page) {
      const months = idsOf(table).flatMap((id) => {
        const body = read.get(id)?.body as DocumentOf<`landings/${string}`> | null;
        return body === null ? [] : [body];
      });
      const age = freshnessMs(months, now);
      if (age !== null) metrics.measure("landfall.table.freshness", age / 1_000, { table });
    }
  }
}
