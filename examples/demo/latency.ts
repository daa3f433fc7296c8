import { closedness, closingOf } from "../../core/closing.ts";
import { landingsId } from "../../core/landings.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { Landing, LandingsDocument } from "../../schemas/landings.ts";
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
      const days = Object.keys(partitions).sort();
      const ids = [...new Set(days.map((day) => landingsId(table, day)))];
      const documents = await store.read(ids);
      for (const day of days) {
        const document = documents.get(landingsId(table, day))?.body as LandingsDocument | null;
        const landing = document?.partitions[day];
        if (landing === undefined) continue;
        complete.push(
          day === days.at(-1) ? closedAt(settings, { table, day, landing }) : landing.at,
        );
      }
    }
    if (complete.length > 0) latencies.push(claimedAt - Math.max(...complete));
  }
  return latencies.sort((a, b) => a - b);
}

function closedAt(
  settings: Settings,
  { table, day, landing }: { table: string; day: string; landing: Landing },
): number {
  const closing = closingOf(settings, { name: table, external: !table.includes("_data.") });
  const asked = { closing, partition: day, landing, nextHasData: () => true, now: 0 };
  const closed = closedness(asked);
  return closed.kind === "open" ? (closed.until ?? landing.at) : landing.at;
}

/** The value below which a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
