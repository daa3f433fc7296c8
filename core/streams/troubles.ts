import type { EpochMs } from "../../schemas/ids.ts";
import type { StreamDocument, StreamTrouble } from "../../schemas/streams.ts";
import type { StreamContext } from "./look.ts";
import { endOf } from "./move.ts";
import { isCommanded, recentEnds } from "./restarts.ts";

type Found = Omit<StreamTrouble, "since">;

/** What is wrong with a stream as it stands now, each since when it is. */
export function troublesOf(context: StreamContext, moved: StreamDocument): StreamTrouble[] {
  const found = [
    duplicated(context, moved),
    stateLost(moved),
    flapping(context, moved),
    down(context, moved),
  ];
  return found
    .filter((each) => each !== null)
    .map((each) => ({ ...each, since: sinceOf(context, each) }));
}

function sinceOf({ document, now }: StreamContext, { kind }: Found): EpochMs {
  return document.troubles.find((each) => each.kind === kind)?.since ?? now;
}

function duplicated({ live }: StreamContext, { config, state }: StreamDocument): Found | null {
  const ending = state.kind === "cancelling" ? state.jobIds : [];
  if (live.length < 2 || live.every((jobId) => ending.includes(jobId))) return null;
  const what = `${live.length} jobs write its rows: ${live.join(", ")}`;
  return {
    kind: "stream-duplicated",
    sentence: `${what}; end all but one of them, or all: landfall stream-deploy ${config}`,
  };
}

function stateLost({ state, why }: StreamDocument): Found | null {
  if (state.kind !== "held" || state.reason !== "state-lost") return null;
  return { kind: "stream-state-lost", sentence: why };
}

function flapping(
  { now, settings: { streams } }: StreamContext,
  { attempts, state }: StreamDocument,
): Found | null {
  const ends = recentEnds(attempts, { now, settings: streams });
  const last = ends.at(-1);
  const isWanted = state.kind !== "gone" && state.kind !== "held";
  if (!isWanted || last === undefined || ends.length < streams.flappingEnds) return null;
  const minutes = Math.round(streams.flappingMs / 60_000);
  const sentence = `it ended ${ends.length} times in ${minutes} minutes, the last time ${endOf(last)}`;
  return { kind: "stream-flapping", sentence };
}

/** Not healthy, and longer than a job may take to become so. */
function down({ now, settings, live }: StreamContext, moved: StreamDocument): Found | null {
  const { state, why } = moved;
  switch (state.kind) {
    case "waiting":
    case "running":
    case "held":
    case "gone":
      return null;
    case "unhealthy":
      return live.length > 1 ? null : { kind: "stream-down", sentence: why };
    case "backing-off":
    case "launching":
    case "starting":
    case "cancelling": {
      const since = aliveUntil(moved, settings.streams.checkMs);
      if (since === null || now - since < settings.streams.graceMs) return null;
      return { kind: "stream-down", sentence: why };
    }
  }
}

/** When its features were last known to be fresh; or since when they were to become so. */
function aliveUntil({ attempts }: StreamDocument, checkMs: number): EpochMs | null {
  let latest: EpochMs | null = null;
  for (const [index, attempt] of attempts.entries()) {
    const { claimedAt, healthyAt, endedAt } = attempt;
    const isNew = isCommanded(attempt) || attempts[index - 1]?.asked !== false;
    if (isNew) latest = Math.max(latest ?? 0, claimedAt);
    if (healthyAt === null) continue;
    latest = Math.max(latest ?? 0, Math.min(endedAt ?? healthyAt, healthyAt + checkMs));
  }
  return latest;
}
