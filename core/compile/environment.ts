import type { ExecutionInfo } from "../../schemas/chronon/metadata.ts";
import type { Settings } from "../../schemas/settings.ts";
import { own } from "../own.ts";
import type { Config } from "./config-file.ts";
import { type Findings, quoted } from "./findings.ts";
import { variablesOf } from "./team-says.ts";
import type { TeamFacts } from "./teams.ts";

export type Environment = Readonly<Record<string, string>>;

export interface EnvironmentOf {
  readonly mode: string;
  readonly team: TeamFacts;
  readonly settings: Settings;
  readonly findings: Findings;
}

/**
 * The environment of a mode's job, keys in order: `default`'s and the team's from `teams.json`, the
 * team's metadata, then the conf's; within each what is common, then what is of the mode. Above all
 * the release that Landfall's settings pin for the team.
 */
export function environmentOf(
  config: Config,
  { mode, team, settings, findings }: EnvironmentOf,
): Environment {
  const layers: unknown[] = [
    ...team.entries.flatMap((entry) => [
      variablesOf(entry),
      entry.common_env,
      field(entry.production, mode),
    ]),
    ...team.executionInfos.flatMap((info) => ofInfo(info, mode)),
    ...ofConf(config, mode),
    pinned(settings, config.team),
  ];
  const merged = new Map<string, string>();
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer ?? {})) add(merged, { name, value, findings });
  }
  return Object.fromEntries([...merged].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What the conf itself says of a variable of a mode's job, its team aside; null: nothing. */
export function ownVariable(
  config: Config,
  { mode, name }: { mode: string; name: string },
): string | null {
  const found = ofConf(config, mode).map((layer) => Object.entries(layer ?? {}));
  const value = new Map<string, unknown>(found.flat()).get(name);
  return typeof value === "string" && value !== "" ? value : null;
}

function pinned({ teams }: Settings, team: string): object {
  const { version, artifactPrefix } = own(teams, team) ?? {};
  return {
    ...(version === undefined ? {} : { VERSION: version }),
    ...(artifactPrefix === undefined ? {} : { ARTIFACT_PREFIX: artifactPrefix }),
  };
}

function ofConf({ metaData }: Config, mode: string): unknown[] {
  return [field(metaData.modeToEnvMap, mode), ...ofInfo(metaData.executionInfo ?? {}, mode)];
}

/** `env.common` and `env.modeEnvironments[mode]`; older compilers wrote `env[mode]`. */
function ofInfo(info: ExecutionInfo, mode: string): unknown[] {
  const { env } = info;
  return [field(env, "common"), field(env, mode), field(field(env, "modeEnvironments"), mode)];
}

/** An own field of a value that may be anything, when it is an object. */
export function field(of: unknown, name: string): object | null {
  if (typeof of !== "object" || of === null || !Object.hasOwn(of, name)) return null;
  const value: unknown = (of as Record<string, unknown>)[name];
  return typeof value === "object" ? value : null;
}

function add(
  merged: Map<string, string>,
  { name, value, findings }: { name: string; value: unknown; findings: Findings },
): void {
  if (value === null || value === undefined) return;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === "__proto__" || text.includes("\0")) {
    findings.warn(`environment variable ${quoted(name)} cannot be set, so it is left out`);
    return;
  }
  merged.set(name, text);
}
