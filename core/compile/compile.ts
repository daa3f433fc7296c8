import type { TableName } from "../../schemas/ids.ts";
import type { Plan, PlanProblem, PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import { sha256Hex, sha256HexOf } from "../hash.ts";
import { linked, orderedProblems, pipelinesOf, tablesOf } from "./assemble.ts";
import { type ConfigFile, readConfig } from "./config-file.ts";
import { type Draft, draftOf, sharedEnvironments } from "./draft.ts";
import { newFindings } from "./findings.ts";
import type { PartitionFormat } from "./reads.ts";
import { type Candidate, settle } from "./settle.ts";
import { isTeamFile, readTeams, type Teams } from "./teams.ts";

/** A complete release of configs, and what it is compiled with. */
export interface Release {
  readonly files: readonly ConfigFile[];
  readonly settings: Settings;
  /** The plan before this one: configs that have an error keep their steps of it. */
  readonly previous?: Plan;
}

/**
 * Compiles a release to a plan: the same plan, with the same hash, whatever the order of files.
 * Never throws on what files hold: each problem is named with its file, a config with an error
 * keeps its last good steps, and nobody else is touched. A config without a file is retired.
 */
export function compile({ files, settings, previous }: Release): Plan {
  const ordered = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const teams = readTeams(ordered.filter((file) => isTeamFile(file.path)));
  const confs = ordered.filter((file) => !isTeamFile(file.path));
  const candidates = candidatesOf(confs, { teams, settings, previous: previous ?? null });
  const {
    drafts,
    steps: standing,
    metadata,
    streams,
  } = settle(candidates, { settings, previous: previous ?? null });
  const writers = writersOf(standing, candidates);
  const steps = linked(standing, writers);
  const formats = formatsOf(drafts, previous ?? null);
  warnOfReads(candidates, { drafts: new Set(drafts), writers, steps, formats });
  const content: Content = {
    pipelines: pipelinesOf(steps),
    steps,
    tables: tablesOf({ steps, writers, formats }),
    metadata: [...metadata],
    ...(streams.length === 0 ? {} : { streams: [...streams] }),
    ...maintained(teams, previous ?? null),
    notScheduled: notScheduledOf(drafts),
    problems: problemsOf(candidates, teams),
  };
  return { schema: 1, hash: hashOf(content), ...content };
}

type Content = Omit<Plan, "schema" | "hash" | "metadata"> & Required<Pick<Plan, "metadata">>;

/** Who is told of alerts; what a file that cannot be read said before holds on. */
function maintained(teams: Teams, previous: Plan | null): Pick<Plan, "maintainers"> {
  const maintainers = {
    ...(teams.broken ? previous?.maintainers : undefined),
    ...teams.maintainers,
  };
  return Object.keys(maintainers).length === 0 ? {} : { maintainers };
}

/**
 * Hash of a plan's content: of the JSON of each of its parts, in order. Environments, which many
 * steps share, are hashed once each; of metadata, and of what is not scheduled, only what no conf of
 * a step decides; streams only when there are any.
 */
function hashOf(content: Content): string {
  return sha256HexOf(textsOf(content));
}

function* textsOf(content: Content): Generator<string> {
  const { pipelines, steps, tables, metadata, maintainers, streams = [] } = content;
  const { notScheduled, problems } = content;
  const environments = new Map<PlanStep["env"], string>();
  for (const step of steps) {
    const { env } = step;
    const hash = environments.get(env) ?? sha256Hex(JSON.stringify(env));
    environments.set(env, hash);
    yield JSON.stringify({ ...step, env: hash });
  }
  const confs = new Set(steps.map(({ conf }) => conf.hash));
  for (const { key, conf } of metadata) if (!confs.has(conf.hash)) yield `${key} ${conf.hash}`;
  for (const { key, instance } of metadata) {
    if (instance !== undefined) yield `${key} in ${instance}`;
  }
  if (maintainers !== undefined) yield JSON.stringify(maintainers);
  for (const stream of streams) yield `stream ${JSON.stringify(stream)}`;
  const configs = new Set(steps.map(({ config }) => config));
  const alone = notScheduled.filter(({ config }) => !configs.has(config));
  for (const part of [pipelines, tables, alone, problems]) {
    yield String(part.length);
    for (const item of part) yield JSON.stringify(item);
  }
}

function candidatesOf(
  files: readonly ConfigFile[],
  { teams, settings, previous }: { teams: Teams; settings: Settings; previous: Plan | null },
): Candidate[] {
  const share = sharedEnvironments();
  const before = new Set(previous?.steps.map((step) => step.config));
  return files.map((file) => {
    const { path } = file;
    try {
      const { config, ...read } = readConfig(file);
      if (config === null) return { ...read, path, draft: null, held: false };
      const team = teams.of({ team: config.team, path });
      const draft = draftOf(config, { team, settings, findings: read.findings, share });
      return { ...read, path, draft, held: team.broken && before.has(config.name) };
    } catch (cause) {
      return tooDeep(path, cause);
    }
  });
}

/** What becomes of a file nested deeper than the stack; other errors are bugs and thrown on. */
function tooDeep(path: string, cause: unknown): Candidate {
  if (!(cause instanceof RangeError)) throw cause;
  const findings = newFindings();
  findings.error("is nested too deeply to be a compiled conf; compile the config again");
  return { path, name: null, nameOfPath: "", findings, draft: null, held: false };
}

/**
 * Which config writes each table: those whose steps stand, then those that are withheld, so that
 * an error in one config does not change what others know of their inputs.
 */
function writersOf(
  standing: readonly PlanStep[],
  candidates: readonly Candidate[],
): Map<TableName, string> {
  const writers = new Map<TableName, string>();
  const claims = [...standing, ...candidates.flatMap(({ draft }) => draft?.steps ?? [])];
  for (const { output, config } of claims) {
    if (output !== undefined && !writers.has(output)) writers.set(output, config);
  }
  return writers;
}

interface Standing {
  readonly drafts: ReadonlySet<Draft>;
  readonly writers: ReadonlyMap<TableName, string>;
  readonly steps: readonly PlanStep[];
  readonly formats: ReadonlyMap<TableName, PartitionFormat>;
}

/** Warns of inputs that nothing writes as they are read. */
function warnOfReads(candidates: readonly Candidate[], standing: Standing): void {
  const { drafts, writers, steps, formats } = standing;
  const columns = new Map<TableName, string>();
  for (const { output, outputColumn } of steps) {
    if (output !== undefined) columns.set(output, outputColumn);
  }
  for (const { draft, findings } of candidates) {
    if (draft === null || !drafts.has(draft)) continue;
    for (const { table, join } of draft.sourceJoins) {
      if (writers.has(table)) continue;
      findings.warn(`it reads ${table}, the output of join ${join}, but no file compiles that`);
    }
    for (const [table, format] of draft.formats) {
      const taken = formats.get(table) ?? format;
      if (taken === format) continue;
      findings.warn(`it takes partitions of ${table} to be ${format}, another config ${taken}`);
    }
    for (const { table, partitionColumn } of draft.steps.flatMap((step) => step.inputs)) {
      const written = columns.get(table);
      if (written === undefined || written === partitionColumn) continue;
      findings.warn(
        `it reads ${table} by ${partitionColumn}, but ${writers.get(table) ?? "its writer"} partitions it by ${written}`,
      );
    }
  }
}

/** The format of each table; where configs disagree, what the last of them says. */
function formatsOf(
  drafts: readonly Draft[],
  previous: Plan | null,
): Map<TableName, PartitionFormat> {
  return new Map([
    ...(previous?.tables ?? []).map((table) => [table.name, table.partitionFormat] as const),
    ...drafts.flatMap((draft) => [...draft.formats]),
  ]);
}

function notScheduledOf(drafts: readonly Draft[]): Plan["notScheduled"] {
  return drafts
    .flatMap(({ name, notScheduled: reason }) =>
      reason === null ? [] : [{ config: name, reason }],
    )
    .sort((a, b) => (a.config < b.config ? -1 : 1));
}

function problemsOf(candidates: readonly Candidate[], teams: Teams): PlanProblem[] {
  const ofConfigs = candidates.flatMap(({ path, name, findings }) =>
    findings.list.map((finding) => ({
      severity: finding.severity,
      file: path,
      ...(name === null ? {} : { config: name }),
      message: finding.message,
    })),
  );
  const ofTeams = [...teams.findings].flatMap(([file, findings]) =>
    findings.list.map((finding) => ({
      severity: finding.severity,
      file,
      message: finding.message,
    })),
  );
  return orderedProblems([...ofConfigs, ...ofTeams]);
}
