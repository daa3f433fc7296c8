import type { EpochMs } from "../../../schemas/ids.ts";
import type { StreamDocument } from "../../../schemas/streams.ts";
import { dayNumber, type History } from "./history.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How long a tracker may take until it looks. */
const seenWithinMs = 3 * hourMs;

/**
 * GroupBys of which a batch was loaded once, and none of a day that is new enough. `sure`: a task still
 * says so, and has for longer than between two looks; of others, whose tasks ran again and failed, only
 * a tracker knows that saw it.
 */
export function servedFromOldBatches(
  history: History,
  at: EpochMs,
): { readonly sure: readonly string[]; readonly possible: readonly string[] } {
  const hours = history.watching?.alerts.servingHours ?? 0;
  const newestAt = (now: EpochMs) => Math.floor((now - hours * hourMs - dayMs) / dayMs);
  const [sure, possible]: [string[], string[]] = [[], []];
  for (const { id, mode, scheduled, config } of history.wanted.at(-1)?.steps ?? []) {
    if (mode !== "upload-to-kv" || !scheduled) continue;
    const tasks = [...history.tasks.values()].filter(({ step }) => step === id);
    const loaded = tasks.filter(({ state }) => state.kind === "succeeded");
    const newest = Math.max(...loaded.map(({ end }) => dayNumber(end)));
    if (newest > newestAt(at)) continue;
    if (loaded.length > 0 && newest <= newestAt(at - seenWithinMs)) sure.push(config);
    if (tasks.some((task) => history.judged.has(task.id))) possible.push(config);
  }
  return { sure, possible };
}

/** Streams of which their document says that something is wrong. */
export function alertsOfStreams(
  { streams }: History,
  kind: StreamDocument["troubles"][number]["kind"],
): string[] {
  return [...streams].flatMap(([config, { document }]) =>
    document?.troubles.some((trouble) => trouble.kind === kind) === true ? [config] : [],
  );
}
