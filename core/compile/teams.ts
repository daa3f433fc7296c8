import type { z } from "zod";
import type { ExecutionInfo } from "../../schemas/chronon/metadata.ts";
import { Team, TeamMetadata, TeamsFile } from "../../schemas/teams.ts";
import { isConfType } from "./conf-types.ts";
import type { ConfigFile } from "./config-file.ts";
import { type Findings, issuesOf, newFindings } from "./findings.ts";
import { checkedEntry, maintainersOf, type TeamSays, teamSays } from "./team-says.ts";

/** What is known of a team, `default`'s facts first. */
export interface TeamFacts {
  readonly namespace: string | null;
  /** Entries of `teams.json`. */
  readonly entries: readonly Team[];
  /** Execution infos of zipline's team metadata. */
  readonly executionInfos: readonly ExecutionInfo[];
  readonly says: TeamSays;
  /** True when a file that speaks of it cannot be read: what it says is not known. */
  readonly broken: boolean;
}

/** All teams, and what is wrong with the files that list them. */
export interface Teams {
  /**
   * The facts for a config's team. Team metadata counts for the configs of its own root only:
   * `compiled/teams_metadata` says nothing of `production/`.
   */
  of(config: { readonly team: string; readonly path: string }): TeamFacts;
  readonly findings: ReadonlyMap<string, Findings>;
  /** By team that says so, in order of name: who is told of its alerts. */
  readonly maintainers: Readonly<Record<string, string[]>>;
  /** True when some file that lists teams cannot be read in full. */
  readonly broken: boolean;
}

/** Whether a path is one of a team file: `teams.json` or `teams_metadata/<team>/<file>`. */
export function isTeamFile(path: string): boolean {
  return path.split("/").at(-1) === "teams.json" || metadataTeam(path) !== null;
}

/** Reads the team files of all three shapes. */
export function readTeams(files: readonly ConfigFile[]): Teams {
  const findings = new Map<string, Findings>();
  const entries = new Map<string, Team>();
  const metadata = new Map<string, TeamMetadata>();
  const broken = new Set<string>();
  for (const file of files) {
    const found = newFindings();
    findings.set(file.path, found);
    const of = metadataTeam(file.path);
    if (of === null) readTeamsFile(file, { found, entries, broken });
    else {
      const parsed = parsedAs(TeamMetadata, file, found);
      const key = keyOf(of);
      if (parsed === null) broken.add(key);
      else metadata.set(key, parsed);
    }
  }
  return {
    findings,
    maintainers: maintainersIn(entries),
    broken: broken.size > 0,
    of({ team, path }) {
      const root = rootOf(path);
      const names = team === "default" ? [team] : ["default", team];
      const keys = names.map((name) => keyOf({ root, team: name }));
      const metadatas = valuesOf(metadata, keys);
      return {
        namespace: entries.get(team)?.namespace ?? metadatas.at(-1)?.outputNamespace ?? null,
        entries: valuesOf(entries, names),
        says: teamSays(valuesOf(entries, names)),
        executionInfos: metadatas
          .map((each) => each.executionInfo ?? null)
          .filter((info) => info !== null),
        broken: [everyTeam, ...names, ...keys].some((name) => broken.has(name)),
      };
    },
  };
}

function valuesOf<T>(map: ReadonlyMap<string, T>, keys: readonly string[]): T[] {
  return keys.map((key) => map.get(key)).filter((value) => value !== undefined);
}

const everyTeam = "*";

interface TeamsReading {
  readonly found: Findings;
  readonly entries: Map<string, Team>;
  readonly broken: Set<string>;
}

function readTeamsFile(file: ConfigFile, { found, entries, broken }: TeamsReading): void {
  const teams = parsedAs(TeamsFile, file, found);
  if (teams === null) {
    broken.add(everyTeam);
    return;
  }
  for (const [name, entry] of Object.entries(teams)) {
    const parsed = Team.safeParse(entry);
    if (parsed.success) entries.set(name, parsed.data);
    else found.error(`team ${JSON.stringify(name)}: ${issuesOf(parsed.error)}`);
    if (!parsed.success || !checkedEntry(name, parsed.data, found)) broken.add(name);
  }
}

function maintainersIn(entries: ReadonlyMap<string, Team>): Record<string, string[]> {
  const found = [...entries].flatMap(([name, entry]): [string, string[]][] => {
    const emails = maintainersOf(entry);
    return emails === null ? [] : [[name, [...emails]]];
  });
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parsedAs<T>(schema: z.ZodType<T>, file: ConfigFile, found: Findings): T | null {
  if (file.unreadable !== undefined) {
    found.error(
      `cannot be read: ${file.unreadable}; its teams' configs keep their last good steps`,
    );
    return null;
  }
  let json: unknown;
  try {
    json = JSON.parse(file.text);
  } catch (cause) {
    found.error(
      `is not JSON (${(cause as Error).message}); its teams' configs keep their last good steps`,
    );
    return null;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  found.error(`is not a team file: ${issuesOf(parsed.error)}`);
  return null;
}

interface MetadataOf {
  /** The folder that holds `teams_metadata` and the folders of configs. */
  readonly root: string;
  readonly team: string;
}

function keyOf({ root, team }: MetadataOf): string {
  return `${root}:${team}`;
}

function metadataTeam(path: string): MetadataOf | null {
  const parts = path.split("/");
  const [team] = parts.slice(-2);
  if (parts.length < 3 || parts.at(-3) !== "teams_metadata" || team === undefined) return null;
  return { root: parts.slice(0, -3).join("/"), team };
}

/** The folder that holds a config's folder of its type. */
function rootOf(path: string): string {
  const parts = path.split("/");
  return parts.slice(0, parts.findIndex(isConfType)).join("/");
}
