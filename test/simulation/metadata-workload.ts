import { randomOf } from "../../adapters/simulated/random.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Command } from "../../schemas/commands.ts";
import type { Settings } from "../../schemas/settings.ts";
import { TeamSettings } from "../../schemas/step-policy.ts";
import { file } from "../support/configs.ts";
import { contentOf } from "./metadata-record.ts";
import { hourMs, start } from "./times.ts";
import type { Wanted, WantedRow } from "./trace.ts";

type File = { readonly path: string; readonly text: string };

/** What somebody else does to a row of metadata at a time. */
export interface Hand {
  readonly at: number;
  readonly key: string;
  readonly does: "write" | "delete";
}

/** Model transforms, which have metadata and no steps: what a release has of them. */
interface Models {
  readonly files: readonly File[];
  readonly rows: readonly WantedRow[];
}

/** A team whose metadata somebody else writes. */
const others = "w";

/** What a workload has of it. */
interface Uploading {
  readonly faultsEnd: number;
  readonly settings: Settings;
  readonly releases: readonly {
    readonly at: number;
    readonly files: readonly File[];
    readonly wanted: Wanted;
  }[];
  readonly commands: readonly Command[];
  readonly hands: readonly Hand[];
}

/** Half of the seeds upload metadata. Drawn apart, so that all else of the seed is as it was. */
export function withMetadata<W extends Uploading>(
  seed: number,
  workload: W,
  without: ReadonlySet<string>,
): W {
  const random = randomOf(seed, "metadata");
  if (!random.chance(0.5)) return workload;
  const isTakenBack = workload.releases.length === 3 && randomOf(seed, "taken back").chance(0.75);
  const models = modelsOf(seed, { releases: workload.releases.length, isTakenBack });
  const inTime = isTakenBack ? takenBack(seed, workload.releases) : workload.releases;
  const releases = inTime.map((release, nth) => {
    const { files = [], rows = [] } = models[nth] ?? {};
    const metadata = [...rowsOf(release.files), ...rows];
    return {
      ...release,
      files: [...release.files, ...files],
      wanted: { ...release.wanted, metadata },
    };
  });
  const [first, second] = releases;
  const rows = first?.wanted.metadata ?? [];
  const left = new Set(second?.wanted.metadata.map(({ key }) => key));
  const going = second === undefined ? [] : rows.filter(({ key }) => !left.has(key));
  const { settings, faultsEnd } = workload;
  const drawn = random.pick(["keep", "delete", "delete"] as const);
  const removal = isTakenBack ? "delete" : drawn;
  const teams = { ...settings.teams, [others]: TeamSettings.parse({ metadata: "others" }) };
  return {
    ...workload,
    settings: {
      ...settings,
      metadata: { ...settings.metadata, removal },
      teams,
    },
    releases,
    commands: without.has("commands")
      ? workload.commands
      : [...workload.commands, ...deletionsOf(seed, { going, from: second?.at ?? 0, faultsEnd })],
    hands: handsOf(seed, { rows, going, faultsEnd }),
  };
}

/**
 * The third release brings back what the second took away, and comes while that is still being
 * deleted: within minutes.
 */
function takenBack<R extends { readonly at: number }>(seed: number, releases: readonly R[]): R[] {
  const soon = randomOf(seed, "taken back after").between(60_000, 300_000);
  const second = releases[1]?.at ?? 0;
  return releases.map((release, nth) => (nth === 2 ? { ...release, at: second + soon } : release));
}

interface Modelling {
  readonly releases: number;
  /** Whether the second is taken back at once: then a few of its models are deleted. */
  readonly isTakenBack: boolean;
}

/**
 * Models of each release: enough of them that a few may be deleted at once. A later release lacks
 * some, fewer than the limit or more, and has others of another content.
 */
function modelsOf(seed: number, { releases, isTakenBack }: Modelling): Models[] {
  const random = randomOf(seed, "models");
  const count = random.pick(isTakenBack ? [50] : [3, 50, 100]);
  const all = Array.from({ length: count }, (_, nth) => ({
    name: `${random.pick(["t", "t", "u", "u", others])}.m${nth}`,
    content: 1,
  }));
  const lacking = random.pick(isTakenBack ? [1, 2] : [0, 1, 2, 9]);
  const from = random.between(0, Math.max(0, count - lacking));
  const later = all
    .filter((_, nth) => nth < from || nth >= from + lacking)
    .map((model) => (random.chance(0.1) ? { ...model, content: 2 } : model));
  return Array.from({ length: releases }, (_, nth) => modelsAt(nth % 2 === 0 ? all : later));
}

function modelsAt(models: readonly { readonly name: string; readonly content: number }[]): Models {
  const files = models.map(({ name, content }) => {
    const metaData = { name, team: name.slice(0, 1), description: `${content}` };
    // Their folder comes after all others.
    return file("model_transforms", { metaData }, { root: "transforms" });
  });
  const rows = models.map(({ name }, nth): WantedRow => {
    const content = contentOf(files[nth]?.text ?? "");
    return { key: `models/${name}`, content, isOurs: !name.startsWith(`${others}.`) };
  });
  return { files, rows };
}

interface Handling {
  readonly rows: readonly WantedRow[];
  /** Those that the second release lacks. */
  readonly going: readonly WantedRow[];
  readonly faultsEnd: number;
}

/** Rows that somebody else writes, some of them where Landfall has its own, and some that they delete. */
function handsOf(seed: number, { rows, going, faultsEnd }: Handling): Hand[] {
  const random = randomOf(seed, "hands on metadata");
  return Array.from({ length: random.pick([0, 2, 6]) }, (_, nth): Hand => {
    const at = random.between(start + hourMs, faultsEnd - 1);
    const own = random.chance(0.5);
    if (own || rows.length === 0) return { at, key: `models/z.somebody${nth}`, does: "write" };
    const of = going.length > 0 && random.chance(0.7) ? going : rows;
    return { at, key: random.pick(of).key, does: random.pick(["write", "delete"] as const) };
  });
}

interface Deleting {
  readonly going: readonly WantedRow[];
  /** When the release is told that lacks them. */
  readonly from: number;
  readonly faultsEnd: number;
}

/** Rows of configs that are gone are to be deleted, before Landfall knows of it or after; or were back already. */
function deletionsOf(seed: number, { going, from, faultsEnd }: Deleting): Command[] {
  const random = randomOf(seed, "deletions of metadata");
  const count = random.pick([0, 0, 1, 2]);
  if (going.length === 0 || from + hourMs >= faultsEnd) return [];
  return Array.from({ length: count }, (_, nth): Command => {
    const at = random.between(from + 60_000, Math.min(faultsEnd, from + 8 * hourMs) - 1);
    const keys = new Set(
      Array.from({ length: random.between(1, 3) }, () => random.pick(going).key),
    );
    const id = `deletion-${nth}`;
    return { kind: "metadata-delete", schema: 1, id, by: "operator", at, keys: [...keys] };
  });
}

/** Does it. */
export async function playHand(store: KeyValueStore, { at, key, does }: Hand): Promise<void> {
  const bytes = Buffer.from(`CHRONON_METADATA#${key}`);
  if (does === "delete") {
    return store.delete("CHRONON_METADATA", [{ key: bytes, timestamp: Number.MAX_SAFE_INTEGER }]);
  }
  const value = Buffer.from(`somebody's, ${at}`);
  return store.write("CHRONON_METADATA", [{ key: bytes, value, timestamp: at }]);
}

/** Rows of configs that have files: GroupBys that are online. */
function rowsOf(files: readonly File[]): WantedRow[] {
  return files.flatMap(({ path, text }) => {
    const { metaData } = JSON.parse(text) as { metaData: { name: string; online?: number } };
    if (!path.includes("/group_bys/") || metaData.online !== 1) return [];
    return [{ key: `group_bys/${metaData.name}`, content: contentOf(text), isOurs: true }];
  });
}
