import type { TableName } from "../../schemas/ids.ts";
import type { ConfType, MetadataRow, PlanStep, PlanStream } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import { sha256Hex, stableJson } from "../hash.ts";
import type { Config } from "./config-file.ts";
import { type Described, describe } from "./describe.ts";
import { effectOf } from "./effects.ts";
import { type Environment, environmentOf } from "./environment.ts";
import { executionOf } from "./execution.ts";
import type { Findings } from "./findings.ts";
import { metadataRow } from "./metadata-row.ts";
import type { PartitionFormat } from "./reads.ts";
import { RECIPES, reasonOfNone, stepId } from "./recipes.ts";
import { streamOf } from "./stream.ts";
import type { TeamFacts } from "./teams.ts";

/**
 * A config's steps as its own file has them, before it is seen together with the others. It holds
 * nothing of the file, so that thousands of parsed confs need not be in memory at once.
 */
export interface Draft {
  readonly name: string;
  readonly confType: ConfType;
  readonly steps: readonly PlanStep[];
  /** Its row in the online store; null when nobody looks for one. */
  readonly metadata: MetadataRow | null;
  /** The stream that it wants running; null when it has none. */
  readonly stream: PlanStream | null;
  /** Why steps that are wanted of it are not there; null: all are. */
  readonly notScheduled: string | null;
  /** Formats of the partitions of what it reads and writes. */
  readonly formats: ReadonlyMap<TableName, PartitionFormat>;
  /** Tables it reads as the output of a join that is embedded in it. */
  readonly sourceJoins: readonly { readonly table: TableName; readonly join: string }[];
}

/** Keeps one object per distinct environment: thousands of steps share a few. */
export function sharedEnvironments(): (environment: Environment) => Environment {
  const known = new Map<string, Environment>();
  return (environment) => {
    const key = JSON.stringify(environment);
    const before = known.get(key);
    if (before === undefined) known.set(key, environment);
    return before ?? environment;
  };
}

export interface Drafting {
  readonly team: TeamFacts;
  readonly settings: Settings;
  readonly findings: Findings;
  readonly share: (environment: Environment) => Environment;
}

/** The draft of a config; null when its output cannot be named. */
export function draftOf(config: Config, drafting: Drafting): Draft | null {
  const { name, confType } = config;
  const conf = { path: config.file.path, hash: config.file.hash ?? sha256Hex(config.file.text) };
  const metadata = metadataOf(config, conf, drafting);
  if (config.confType === "models" || config.confType === "model_transforms") {
    const notScheduled = reasonOfNone(config.confType);
    const none = { steps: [], stream: null, formats: new Map(), sourceJoins: [] };
    return { name, confType, metadata, notScheduled, ...none };
  }
  const described = describe(config, drafting);
  if (described === null) return null;
  const steps = stepsOf(described, conf, drafting);
  const check = described.consistency;
  const logs = check === null || "unchecked" in check ? [] : check.log;
  const outputs = steps.flatMap((step) => (step.output === undefined ? [] : [step.output]));
  return {
    name,
    confType,
    steps,
    metadata,
    stream: streamOf(described, conf, drafting),
    notScheduled: check !== null && "unchecked" in check ? check.unchecked : null,
    formats: new Map([
      ...[...described.reads, ...logs].map((read) => [read.input.table, read.format] as const),
      ...outputs.map((table) => [table, described.format] as const),
    ]),
    sourceJoins: described.reads.flatMap(({ input, sourceJoin }) =>
      sourceJoin === undefined ? [] : [{ table: input.table, join: sourceJoin }],
    ),
  };
}

/** Its row, in the Bigtable instance that a job which uploads it would be given. */
function metadataOf(
  config: Config,
  conf: MetadataRow["conf"],
  { team, settings, findings }: Drafting,
): MetadataRow | null {
  const row = metadataRow(config, conf);
  if (row === null) return null;
  const env = environmentOf(config, { mode: "metadata-upload", team, settings, findings });
  const instance = env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  return instance === "" ? row : { ...row, instance };
}

function stepsOf(
  described: Described,
  conf: PlanStep["conf"],
  { settings, findings, share }: Drafting,
): PlanStep[] {
  const { config, team, column } = described;
  const { startDate } = team.says;
  const { name, confType, flavour } = config;
  const semanticHash = semanticHashOf(config.json);
  return RECIPES[confType].flatMap(([mode, recipe]) => {
    const made = recipe(described);
    if (made === null) return [];
    const { pipeline, schedule, inputs, after, output, outputColumn = column, stepDays } = made;
    const effect = effectOf(flavour, confType, mode);
    const execution = executionOf(config, { mode, says: team.says });
    const step: PlanStep = {
      id: stepId(name, mode),
      config: name,
      mode,
      confType,
      flavour,
      team: config.team,
      pipeline,
      schedule,
      ...(startDate === null || schedule === null ? {} : { from: startDate }),
      inputs,
      after,
      ...(output === undefined ? {} : { output }),
      outputColumn,
      effect: effect.effect,
      verification: effect.verification,
      strategy: effect.strategy,
      stepDays,
      semanticHash,
      conf,
      env: share(withOwn(environmentOf(config, { mode, team, settings, findings }), made.env)),
      ...(execution === null ? {} : { execution }),
    };
    return [step];
  });
}

/** An environment and what a recipe adds to it, keys in order. */
function withOwn(env: Environment, own: Environment = {}): Environment {
  const all = Object.entries({ ...env, ...own });
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const notSemantic = new Set(["metaData", "topic", "mutationTopic"]);

/**
 * Hash of what a conf computes: its content without metadata and topics at any depth, as zipline's
 * planner does. Order of keys does not matter.
 */
export function semanticHashOf(json: object): string {
  return sha256Hex(stableJson(json, notSemantic));
}
