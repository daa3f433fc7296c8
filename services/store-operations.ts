import { ignoreElements, type Observable, takeUntil, tap } from "rxjs";
import type { Clock } from "../ports/clock.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { StoreCounters, TaskStore } from "../ports/task-store.ts";

const everyMs = 10_000;

const OPERATION = {
  documentsRead: "read",
  documentsWritten: "write",
  documentsChecked: "check",
  commits: "commit",
  conflicts: "conflict",
} as const satisfies Record<keyof StoreCounters, string>;

/** Measures what a service asked of the store, by the store's own counts. */
export function storeOperations(
  ports: {
    readonly store: Pick<TaskStore, "counters">;
    readonly metrics: Metrics;
    readonly clock: Pick<Clock, "every">;
    readonly service: string;
  },
  stop: Observable<unknown>,
): Observable<never> {
  const { store, metrics, clock, service } = ports;
  let before: StoreCounters | null = null;
  return clock.every(everyMs).pipe(
    takeUntil(stop),
    tap(() => {
      const now = store.counters();
      for (const [name, operation] of Object.entries(OPERATION)) {
        const counter = name as keyof StoreCounters;
        const more = now[counter] - (before?.[counter] ?? 0);
        if (more > 0) metrics.measure("landfall.store.operations", more, { service, operation });
      }
      before = now;
    }),
    ignoreElements(),
  );
}
