import type { MetadataRow, Plan, PlanStep, PlanStream } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import { type Conflict, cycles, sharedOutputs, testOutputs } from "./conflicts.ts";
import type { Draft } from "./draft.ts";
import type { Findings } from "./findings.ts";

/** One file of the release: what could be read of it, and its draft when it could be made. */
export interface Candidate {
  readonly path: string;
  readonly name: string | null;
  readonly nameOfPath: string;
  readonly findings: Findings;
  readonly draft: Draft | null;
  /** True: its last good steps stay although nothing is wrong with the file itself. */
  readonly held: boolean;
}

/** What stands together. */
export interface Settled {
  readonly drafts: readonly Draft[];
  /** Steps of the drafts, and last good ones of configs that have an error now, in order of id. */
  readonly steps: readonly PlanStep[];
  /** Rows of the drafts, and last good ones of configs that have an error now, in order of key. */
  readonly metadata: readonly MetadataRow[];
  /** Streams of the drafts, and last good ones of configs that have an error now, in order of config. */
  readonly streams: readonly PlanStream[];
}

/**
 * Decides which drafts stand. What conflicts is withheld, all sides of it alike, for nobody can say
 * which was meant; a withheld config falls back to its last good steps, which nothing pushes out.
 * Conflicts are added to the findings of the files they are in.
 */
export function settle(
  candidates: readonly Candidate[],
  { settings, previous }: { readonly settings: Settings; readonly previous: Plan | null },
): Settled {
  const standing = new Map<string, Candidate>();
  const withheld: Candidate[] = [];
  for (const candidate of candidates) {
    const { path, draft, findings, held } = candidate;
    if (draft === null || held || findings.fatal) withheld.push(candidate);
    else standing.set(path, candidate);
  }
  withhold(duplicates([...standing.values()]), { standing, withheld });
  for (;;) {
    const kept = lastGood(withheld, { standing, previous });
    const drafts = [...standing.values()].flatMap(({ draft }) => (draft === null ? [] : [draft]));
    const steps = [...drafts.flatMap((draft) => draft.steps), ...kept].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    );
    const conflicts = [...sharedOutputs(steps), ...testOutputs(steps, settings), ...cycles(steps)];
    const found = withhold(atFiles(conflicts, standing), { standing, withheld });
    if (!found) {
      const rows = lastGoodRows(withheld, { standing, previous });
      const streams = streamsOf(drafts, lastGoodStreams(withheld, { standing, previous }));
      return { drafts, steps, metadata: metadataOf(drafts, rows), streams };
    }
  }
}

interface Side {
  readonly candidate: Candidate;
  readonly message: string;
}

/** Moves candidates out; false when there was none to move. */
function withhold(
  sides: readonly Side[],
  { standing, withheld }: { standing: Map<string, Candidate>; withheld: Candidate[] },
): boolean {
  for (const { candidate, message } of sides) {
    candidate.findings.error(message);
    if (standing.delete(candidate.path)) withheld.push(candidate);
  }
  return sides.length > 0;
}

/** Of several files with one name, the one whose path says so stands; without one, none does. */
function duplicates(candidates: readonly Candidate[]): Side[] {
  const byName = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const name = candidate.name ?? "";
    byName.set(name, [...(byName.get(name) ?? []), candidate]);
  }
  return [...byName].flatMap(([name, group]) => {
    if (group.length < 2) return [];
    const rightful = group.filter(({ nameOfPath }) => nameOfPath === name);
    const losers = rightful.length === 1 ? group.filter((one) => one !== rightful[0]) : group;
    return losers.map((candidate) => {
      const others = group.map(({ path }) => path).filter((path) => path !== candidate.path);
      return {
        candidate,
        message: `name ${name} is also used by ${others.sort().join(", ")}; give one of them another`,
      };
    });
  });
}

function atFiles(conflicts: readonly Conflict[], standing: ReadonlyMap<string, Candidate>): Side[] {
  const byName = new Map([...standing.values()].map((one) => [one.name, one]));
  return conflicts.flatMap(({ config, message }) => {
    const candidate = byName.get(config);
    return candidate === undefined ? [] : [{ candidate, message }];
  });
}

interface Kept {
  readonly standing: ReadonlyMap<string, Candidate>;
  readonly previous: Plan | null;
}

/** Steps of the previous plan of files that are withheld, by the config's name or the file's path. */
function lastGood(withheld: readonly Candidate[], { standing, previous }: Kept): PlanStep[] {
  if (previous === null || withheld.length === 0) return [];
  const isKept = keptOf(withheld, standing);
  return previous.steps.filter(({ config, conf }) => isKept(config, conf.path));
}

/** Rows of the previous plan of files that are withheld: what is served stays as it is. */
function lastGoodRows(withheld: readonly Candidate[], { standing, previous }: Kept): MetadataRow[] {
  if (withheld.length === 0) return [];
  const isKept = keptOf(withheld, standing);
  return (previous?.metadata ?? []).filter(({ key, conf }) =>
    isKept(key.slice(key.indexOf("/") + 1), conf.path),
  );
}

/** Streams of the previous plan of files that are withheld: what runs goes on. */
function lastGoodStreams(
  withheld: readonly Candidate[],
  { standing, previous }: Kept,
): PlanStream[] {
  if (withheld.length === 0) return [];
  const isKept = keptOf(withheld, standing);
  return (previous?.streams ?? []).filter(({ config, conf }) => isKept(config, conf.path));
}

function keptOf(withheld: readonly Candidate[], standing: ReadonlyMap<string, Candidate>) {
  const names = new Set(withheld.map(({ name }) => name));
  const paths = new Set(withheld.map(({ path }) => path));
  const taken = new Set([...standing.values()].map(({ name }) => name));
  return (config: string, path: string): boolean =>
    !taken.has(config) && (names.has(config) || paths.has(path));
}

function metadataOf(drafts: readonly Draft[], kept: readonly MetadataRow[]): MetadataRow[] {
  const own = drafts.flatMap(({ metadata }) => (metadata === null ? [] : [metadata]));
  return [...own, ...kept].sort((a, b) => (a.key < b.key ? -1 : 1));
}

function streamsOf(drafts: readonly Draft[], kept: readonly PlanStream[]): PlanStream[] {
  const own = drafts.flatMap(({ stream }) => (stream === null ? [] : [stream]));
  return [...own, ...kept].sort((a, b) => (a.config < b.config ? -1 : 1));
}
