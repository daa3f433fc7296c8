import { type Random, randomOf } from "../../adapters/simulated/random.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { isOwn } from "../../core/consistency.ts";
import type { TableName } from "../../schemas/ids.ts";
import type { Plan, PlanInput, PlanStep } from "../../schemas/plan.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { compileFiles } from "../support/configs.ts";
import { dayMs, hourMs, start } from "./times.ts";
import type { Wanted, WantedInput, WantedStep } from "./trace.ts";
import { commandsOf, jobFaultsOf } from "./trouble-workload.ts";
import { watchingOf } from "./watching-workload.ts";
import {
  type Change,
  changesOf,
  cloudOf,
  outagesOf,
  settingsOf,
  type Workload,
} from "./workload.ts";

/**
 * Days of a real config repository, with all the trouble of a seed. What its configs mean is taken
 * from the plan, so what `core/compile` gets wrong does not show here: its own tests are for that.
 * Configs that read or write anything but plain daily tables are left out.
 */
export function sampleWorkload(
  seed: number,
  files: readonly ConfigFile[],
  more: Pick<Partial<Settings>, "consistency"> = {},
): Workload {
  const random = randomOf(seed, "workload");
  const compiling = { settings: Settings.parse(more) };
  const kept = plainOf(files, compiling);
  const plan = compileFiles(kept, compiling);
  const externals = plan.tables.filter(({ external }) => external).map(({ name }) => name);
  const settings = { ...settingsOf(random, externals), ...more };
  const wanted = wantedOfPlan(plan, settings);
  const days = random.between(2, 3);
  const faultsEnd = start + days * dayMs + random.between(2, 20) * hourMs;
  return {
    start,
    faultsEnd,
    settings,
    behaviour: RehearsalBehaviour.parse({
      durationMs: [random.between(1_000, 60_000), random.between(60_001, 1_200_000)],
      faults: jobFaultsOf(randomOf(seed, "job faults"), { wanted, days }),
    }),
    columns: columnsOf(plan),
    changes: [
      ...changesOf(randomOf(seed, "changes"), { externals, days, faultsEnd }),
      ...recomputed(randomOf(seed, "recomputed"), plan, { days, faultsEnd }),
    ],
    commands: commandsOf(randomOf(seed, "commands"), { wanted, days }),
    releases: [{ at: start + random.between(0, 3) * hourMs, files: kept, wanted }],
    outages: outagesOf(randomOf(seed, "outages"), faultsEnd),
    ...cloudOf(seed),
    push: null,
    dataproc: null,
    foreignStreams: [],
    hands: [],
    watching: watchingOf(seed, { externals, faultsEnd }),
    stateOutages: [],
    dispatchers: random.between(1, 3),
    trackers: random.between(1, 2),
    skewsMs: Array.from({ length: 6 }, () => random.between(-20_000, 20_000)),
  };
}

/** Some days of what consistency checks found are computed again by hand, some of them twice. */
function recomputed(
  random: Random,
  { steps }: Plan,
  { days, faultsEnd }: { readonly days: number; readonly faultsEnd: number },
): Change[] {
  const tables = steps.flatMap((step) =>
    isOwn(step) ? step.inputs.map(({ table }) => table) : [],
  );
  return tables.flatMap((table) =>
    Array.from({ length: random.between(0, 2 * days) }, (): Change => {
      const nth = random.between(0, days - 1);
      const at = start + (nth + 1) * dayMs + random.between(hourMs, 20 * hourMs);
      const day = new Date(start + nth * dayMs).toISOString().slice(0, 10);
      return { at: Math.min(at, faultsEnd - 1), table, day, does: "recompute" };
    }),
  );
}

const plainTable = /^\w+\.\w+$/;

/** The files of configs whose every table is a plain one, partitioned as most of its readers say. */
function plainOf(
  files: readonly ConfigFile[],
  compiling: { readonly settings: Settings },
): ConfigFile[] {
  const plan = compileFiles(files, compiling);
  const columns = columnsOf(plan);
  const isPlain = (step: PlanStep) =>
    columnsIn(step).every(
      ([table, column]) => plainTable.test(table) && columns.get(table) === column,
    ) &&
    step.inputs.every((input) => input.cumulative === undefined && input.endCutOff === undefined);
  const odd = new Set(plan.steps.filter((step) => !isPlain(step)).map(({ conf }) => conf.path));
  const broken = new Set(plan.problems.map(({ file }) => file));
  return files.filter(({ path }) => !odd.has(path) && !broken.has(path));
}

/** Tables of a step and the partition columns it names for them. */
function columnsIn({ inputs, output, outputColumn }: PlanStep): [TableName, string][] {
  const written: [TableName, string][] = output === undefined ? [] : [[output, outputColumn]];
  return [
    ...inputs.map(({ table, partitionColumn }): [TableName, string] => [table, partitionColumn]),
    ...written,
  ];
}

/** The partition column that most steps name for each table. */
function columnsOf({ steps }: Plan): ReadonlyMap<TableName, string> {
  const named = new Map<TableName, string[]>();
  for (const [table, column] of steps.flatMap(columnsIn)) {
    named.set(table, [...(named.get(table) ?? []), column]);
  }
  const most = (all: readonly string[]) => {
    const count = (one: string) => all.filter((other) => other === one).length;
    return all.reduce((a, b) => (count(b) > count(a) ? b : a));
  };
  return new Map([...named].map(([table, all]) => [table, most(all)]));
}

function wantedOfPlan(plan: Plan, settings: Settings): Wanted {
  return {
    steps: plan.steps.map((step) => wantedStep(plan, step)),
    tables: plan.tables.map(({ name, external }) => {
      const own = settings.tables[name];
      const writer = plan.steps.find(({ output }) => output === name)?.id ?? null;
      return {
        name,
        writer,
        closing: own?.closing ?? (external ? settings.externalClosing : { when: "at-landing" }),
        holes: own?.holes ?? (external ? "fine" : "wait"),
      };
    }),
    // Those of a join's output wait for its metadata, which is not uploaded here.
    streams: (plan.streams ?? [])
      .filter(({ parentJoin }) => parentJoin === undefined)
      .map(({ config }) => ({ config, content: 1 })),
    metadata: null,
  };
}

function wantedStep(plan: Plan, step: PlanStep): WantedStep {
  const { id, config, mode, effect, stepDays, after, output = null } = step;
  const readByOthers = plan.steps.some(
    (other) => other.config !== config && other.inputs.some(({ table }) => table === output),
  );
  return {
    id,
    config,
    mode,
    scheduled: step.schedule !== null,
    inputs: step.inputs.map(wantedInput),
    after,
    output,
    effect,
    latestOnly: step.strategy === "latest-only",
    readByOthers,
    stepDays,
    ...(isOwn(step) ? { publishes: true as const } : {}),
  };
}

function wantedInput({ table, startOffset, endOffset }: PlanInput): WantedInput {
  return {
    table,
    startDays: startOffset === null ? null : daysOf(startOffset),
    endDays: daysOf(endOffset),
  };
}

function daysOf(duration: string): number {
  const [, days = "0"] = /^P(\d+)D$/.exec(duration) ?? [];
  return Number(days);
}
