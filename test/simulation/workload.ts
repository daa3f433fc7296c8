import { type Random, randomOf } from "../../adapters/simulated/random.ts";
import type { Command } from "../../schemas/commands.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { type Closing, Settings } from "../../schemas/settings.ts";
import { type CloudWorkload, cloudWorkloadOf } from "./cloud-workload.ts";
import { type ConfigNode, filesOf, wantedOf } from "./configs.ts";
import { withMetadataJobs } from "./metadata-job-workload.ts";
import { type Hand, withMetadata } from "./metadata-workload.ts";
import {
  type ForeignStream,
  foreignStreamsOf,
  streamCommandsOf,
  streamFaultsOf,
  withOtherContent,
  withStream,
} from "./stream-workload.ts";
import { withCron, withTeams } from "./team-workload.ts";
import { dayAt, dayMs, hourMs, start } from "./times.ts";
import type { Wanted } from "./trace.ts";
import { commandsOf, jobFaultsOf } from "./trouble-workload.ts";
import { type WatchingWorkload, watchingOf } from "./watching-workload.ts";

/** What a foreign hand does to a table at a time. */
export interface Change {
  readonly at: number;
  readonly table: TableName;
  /** `recompute`: a consistency table's day is written again, by hand. */
  readonly does: "append" | "delete" | "drop" | "recreate" | "recompute";
  readonly day: Partition;
}

/** What becomes of the world whatever Landfall does, all of it decided by the seed. */
export interface Workload extends CloudWorkload {
  readonly start: number;
  /** When the last change, command and fault is over. */
  readonly faultsEnd: number;
  readonly settings: Settings;
  readonly behaviour: RehearsalBehaviour;
  readonly changes: readonly Change[];
  /** Partition columns of external tables that are not `ds`. */
  readonly columns?: ReadonlyMap<TableName, string>;
  readonly commands: readonly Command[];
  /** The first at the start, or soon after. */
  readonly releases: readonly {
    readonly at: number;
    readonly files: readonly { readonly path: string; readonly text: string }[];
    readonly wanted: Wanted;
  }[];
  readonly outages: readonly {
    readonly port: string;
    readonly from: number;
    readonly until: number;
  }[];
  /** Submissions a minute that the runner takes; null: any number. */
  readonly perMinute: number | null;
  readonly foreignStreams: readonly ForeignStream[];
  /** Null: trackers only report what became of jobs. */
  readonly watching: WatchingWorkload | null;
  /** What somebody else does to rows of metadata. */
  readonly hands: readonly Hand[];
  /** When the place of Flink's state does not answer. */
  readonly stateOutages: Workload["outages"];
  /** Of pulled events: extended for as long as a service asks, or ten seconds as Pub/Sub gives by itself. */
  readonly leases: "extended" | "short";
  /** How often jobs are listed, where lists are the only way to hear of their end; null: told at once. */
  readonly listsMs: number | null;
  /** The watcher's: how often it looks at every table, and at those whose turn it is. */
  readonly pace: { readonly reconcileMs: number; readonly beatMs: number };
  readonly dispatchers: number;
  readonly trackers: number;
  /** How far each process's clock is off, in milliseconds. */
  readonly skewsMs: readonly number[];
}

/** Parts of a workload that are left out, to find the smallest that still shows something. */
export interface Leaving {
  readonly configs?: number;
  readonly days?: number;
  readonly without?: ReadonlySet<
    | "commands"
    | "outages"
    | "releases"
    | "job-faults"
    | "changes"
    | "skew"
    | "metadata"
    | "watching"
  >;
}

export function workloadOf(seed: number, leaving: Leaving = {}): Workload {
  const random = randomOf(seed, "workload");
  const days = Math.min(random.between(2, 4), leaving.days ?? 9);
  const externals = Array.from({ length: random.between(1, 3) }, (_, at) => `data.e${at}`);
  const nodes = nodesOf(random, externals)
    .map((node) => withCron(seed, withStream(seed, node)))
    .slice(0, leaving.configs);
  const settings = withTicks(seed, withTeams(seed, settingsOf(random, externals)));
  const faultsEnd = start + days * dayMs + random.between(2, 20) * hourMs;
  const without = leaving.without ?? new Set();
  const wanted = wantedOf(nodes, settings);
  const later = nodes.filter(() => !random.chance(0.3)).map((node) => withOtherContent(seed, node));
  const release = (at: number, of: readonly ConfigNode[]) => ({
    at,
    files: filesOf(of),
    wanted: wantedOf(of, settings),
  });
  const releases = [release(start + random.between(0, 3) * hourMs, nodes)];
  const second = random.chance(0.5);
  const secondAt = start + random.between(10, days * 24) * hourMs;
  if (second && !without.has("releases")) releases.push(release(secondAt, later));
  const third = random.chance(0.5);
  if (releases.length > 1 && third) releases.push(release(secondAt + 5 * hourMs, nodes));
  const changes = changesOf(randomOf(seed, "changes"), { externals, days, faultsEnd });
  const commands = [
    ...commandsOf(randomOf(seed, "commands"), { wanted, days }),
    ...streamCommandsOf(randomOf(seed, "stream commands"), { wanted, days }),
  ];
  const outages = outagesOf(randomOf(seed, "outages"), faultsEnd);
  const faults = [
    ...jobFaultsOf(randomOf(seed, "job faults"), { wanted, days }),
    ...streamFaultsOf(randomOf(seed, "stream faults"), wanted),
  ];
  const foreign = foreignStreamsOf(randomOf(seed, "foreign streams"), { wanted, faultsEnd });
  const skews = Array.from({ length: 6 }, () => random.between(-20_000, 20_000));
  const workload: Workload = {
    start,
    faultsEnd,
    settings,
    behaviour: RehearsalBehaviour.parse({
      durationMs: [random.between(1_000, 60_000), random.between(60_001, 2_400_000)],
      faults: without.has("job-faults") ? [] : faults,
      checkpointMs: 240_000,
    }),
    foreignStreams: without.has("changes") ? [] : foreign,
    stateOutages:
      without.has("outages") || wanted.streams.length === 0
        ? []
        : outagesOf(randomOf(seed, "state outages"), faultsEnd),
    changes: without.has("changes") ? changes.filter(({ does }) => does === "append") : changes,
    commands: without.has("commands") ? [] : commands,
    releases,
    outages: without.has("outages") ? [] : outages,
    ...cloudOf(seed),
    ...cloudWorkloadOf(seed, faultsEnd),
    dispatchers: random.between(1, 3),
    trackers: random.between(1, 2),
    skewsMs: without.has("skew") ? [] : skews,
    hands: [],
    watching: without.has("watching") ? null : watchingOf(seed, { externals, faultsEnd }),
  };
  if (without.has("metadata")) return workload;
  return withMetadataJobs(seed, withMetadata(seed, workload, without), { days, without });
}

/** What differs between one machine and Google Cloud. */
export function cloudOf(seed: number): Pick<Workload, "perMinute" | "leases" | "listsMs" | "pace"> {
  const pace = randomOf(seed, "pace");
  return {
    perMinute: randomOf(seed, "lanes").pick([null, null, 2, 6]),
    leases: randomOf(seed, "delivery").pick(["extended", "extended", "short"]),
    listsMs: randomOf(seed, "lists").pick([null, null, 5_000, 60_000]),
    pace: {
      reconcileMs: pace.pick([hourMs / 2, 2 * hourMs, 2 * hourMs, 4 * hourMs]),
      beatMs: pace.pick([600_000, 1_200_000]),
    },
  };
}

function nodesOf(random: Random, externals: readonly TableName[]): ConfigNode[] {
  const nodes: ConfigNode[] = [];
  const tables: TableName[] = [...externals];
  for (let at = random.between(2, 7); at > 0; at--) {
    const inputs = Array.from({ length: random.between(1, 2) }, () => ({
      table: random.chance(0.5) ? random.pick(tables) : (tables.at(-1) ?? ""),
      startDays: random.pick([0, 0, 0, 1, 2, 6]),
      endDays: random.pick([0, 0, 0, 1]),
    })).filter(({ table }, nth, all) => all.findIndex((one) => one.table === table) === nth);
    const node: ConfigNode = {
      name: `${random.pick(["t", "u"])}.n${nodes.length}`,
      kind: random.pick(["query", "query", "features", "online", "old-online", "old-online"]),
      inputs: inputs.map((input) => ({
        ...input,
        startDays: Math.max(input.startDays, input.endDays),
      })),
      scheduled: !random.chance(0.15),
    };
    nodes.push(node);
    if (node.kind !== "old-online") tables.push(tableOf(node));
    if (node.kind === "online" && random.chance(0.5)) tables.push(`${tableOf(node)}__upload`);
  }
  return nodes;
}

export function tableOf(node: ConfigNode): TableName {
  return `out.${node.name.replace(".", "_")}`;
}

export function settingsOf(random: Random, externals: readonly TableName[]): Settings {
  const closings: Closing[] = [
    { when: "at-landing" },
    { when: "at-end", delayMs: 0, settleMs: 120_000 },
    { when: "at-end", delayMs: hourMs, settleMs: 900_000 },
    { when: "next" },
  ];
  const tables = externals.map((table) => [
    table,
    { closing: random.pick(closings), holes: random.pick(["fine", "wait"] as const) },
  ]);
  const limit = random.between(1, 3);
  return Settings.parse({
    tables: Object.fromEntries(tables),
    pools: { spark: { limit } },
    poolOfMode: random.chance(0.7) ? { backfill: "spark", upload: "spark" } : {},
    retries: {
      job: { max: random.between(1, 3), delayMs: 60_000 },
      infrastructure: { max: 20, delayMs: 60_000 },
    },
    submitWithinMs: random.pick([60_000, 120_000]),
    timeoutMs: 2 * hourMs,
    commitDocumentsMax: random.pick([30, 60, 400]),
    deliveriesMax: random.pick([3, 50, 1_000]),
    tickMs: 600_000,
  });
}

/** What waits for time, such as a retry, waits for a tick: how much else happens before it differs. */
function withTicks(seed: number, settings: Settings): Settings {
  return { ...settings, tickMs: randomOf(seed, "ticks").pick([600_000, 1_200_000, 1_800_000]) };
}

export function changesOf(
  random: Random,
  {
    externals,
    days,
    faultsEnd,
  }: { externals: readonly TableName[]; days: number; faultsEnd: number },
): Change[] {
  const changes: Change[] = [];
  for (const table of externals) {
    for (let nth = -random.between(0, 8); nth < days; nth++) {
      const day = dayAt(start + nth * dayMs);
      const over = start + (nth + 1) * dayMs;
      const around = random.pick([-6 * hourMs, 5_000, 5_000, 5_000, 600_000, 9 * hourMs]);
      const at = nth < 0 ? start - 1 : over + around;
      if (random.chance(0.07)) continue;
      const append = (later: number) =>
        changes.push({ at: Math.min(faultsEnd - 1, at + later), table, day, does: "append" });
      append(0);
      if (random.chance(0.3)) append(random.between(1, 7_200_000));
      if (random.chance(0.15)) append(random.between(1, 2 * dayMs));
      if (random.chance(0.08)) {
        const gone = Math.min(faultsEnd - 1, at + random.between(1, dayMs));
        changes.push({ at: gone, table, day, does: "delete" });
        if (random.chance(0.7)) append(gone - at + random.between(1, 5 * hourMs));
      }
    }
    if (random.chance(0.1)) {
      const at = start + random.between(1, days * 24 - 1) * hourMs;
      const does = random.pick(["drop", "recreate"] as const);
      changes.push({ at, table, day: dayAt(at - dayMs), does });
    }
  }
  return changes.filter(({ at }) => at < faultsEnd).sort((a, b) => a.at - b.at);
}

export function outagesOf(random: Random, faultsEnd: number): Workload["outages"] {
  return Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
    const from = random.between(start, faultsEnd - hourMs);
    const port = random.pick(["bus", "store", "lake", "configs", "runner", "key-values"]);
    return { port, from, until: from + random.between(30_000, 2_700_000) };
  });
}
