import { closedness } from "../../core/closing.ts";
import { landingsId } from "../../core/landings.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { LandingsDocument } from "../../schemas/landings.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";

/**
 * For each task that ran once: milliseconds from the moment the last of its inputs was complete (landed,
 * or closed where it was open for longer) to the claim of its first attempt.
 */
export async function launchLatencies(
  store: TaskStore,
  tasks: readonly Task[],
  settings: Settings,
): Promise<number[]> {
  const latencies: number[] = [];
  for (const task of tasks) {
    const claimedAt = task.runs.length === 1 ? task.runs[0]?.attempts[0]?.claimedAt : undefined;
    if (claimedAt === undefined) continue;
    const complete: number[] = [];
    for (const [table, partitions] of Object.entries(task.reads)) {
      const day = Object.keys(partitions).sort().at(-1);
      if (day === undefined) continue;
      const id = landingsId(table, day);
      const document = (await store.read([id])).get(id)?.body as
        | LandingsDocument
        | null
        | undefined;
      const landing = document?.partitions[day];
      if (landing === undefined) continue;
      const own = settings.tables[table]?.closing;
      const external = !table.includes("_data.");
      const closing =
        own ?? (external ? settings.externalClosing : { when: "at-landing" as const });
      const asked = { closing, partition: day, landing, nextHasData: () => true, now: 0 };
      const closed = closedness(asked);
      complete.push(closed.kind === "open" ? (closed.until ?? landing.at) : landing.at);
    }
    if (complete.length > 0) latencies.push(claimedAt - Math.max(...complete));
  }
  return latencies.sort((a, b) => a - b);
}

/** The value below which a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
