import type { TableName } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";
import { offsetDays } from "../durations.ts";
import { own } from "../own.ts";
import { baseTable } from "../plan-index.ts";
import { circles, circleThrough, type Graph } from "./cycles.ts";
import { kvDataset } from "./names.ts";

/** Why a config cannot stand beside the others. */
export interface Conflict {
  readonly config: string;
  readonly message: string;
}

/** Circles with more configs than this are spelled out once, not in every member's message. */
const spelledOut = 30;

/** Tables that several configs write, and datasets that several GroupBys upload to. */
export function sharedOutputs(steps: readonly PlanStep[]): Conflict[] {
  const tables = writersBy(steps, (step) => step.output ?? null);
  const datasets = writersBy(steps, (step) =>
    step.mode === "upload-to-kv" ? kvDataset(step.config) : null,
  );
  return [
    ...conflictsIn(tables, (table, others) => `table ${table} is also written by ${others}`),
    ...conflictsIn(
      datasets,
      (dataset, others) =>
        `its rows in the online store, ${dataset}, are also those of ${others}; names must differ in more than case and punctuation`,
    ),
  ];
}

/**
 * Configs of teams that try a release, where they write into a namespace or an online store that others
 * write into: what they try would land among what is served and read.
 */
export function testOutputs(steps: readonly PlanStep[], settings: Settings): Conflict[] {
  const isTest = ({ team }: PlanStep) => own(settings.teams, team)?.test === true;
  const others = new Map<string, string>();
  for (const step of steps) {
    const place = placeOf(step);
    if (place !== null && !isTest(step)) others.set(place, step.team);
  }
  const found = new Map<string, Conflict>();
  for (const step of steps.filter(isTest)) {
    const place = placeOf(step);
    const other = place === null ? undefined : others.get(place);
    if (other === undefined) continue;
    found.set(step.config, {
      config: step.config,
      message: `team ${step.team} is for tests, but ${place}, as team ${other} does; give it one of its own`,
    });
  }
  return [...found.values()];
}

/** Where a step writes, as a sentence says it; null: nowhere that others read. */
function placeOf({ output, mode, env }: PlanStep): string | null {
  if (output !== undefined) {
    return `writes into namespace ${output.slice(0, output.lastIndexOf("."))}`;
  }
  if (mode !== "upload-to-kv") return null;
  const instance = env["GCP_BIGTABLE_INSTANCE_ID"] ?? "";
  return `loads into ${instance === "" ? "the deployment's Bigtable instance" : `Bigtable instance ${instance}`}`;
}

/**
 * Configs that wait for their own output of the same day. An input that lies at least a day back
 * closes no circle: yesterday's output is there.
 */
export function cycles(steps: readonly PlanStep[]): Conflict[] {
  const graph = graphOf(steps);
  const nameAt = (node: number) => steps[node]?.config ?? "";
  return circles(graph).flatMap((group) => {
    const members = [...new Set(group.map(nameAt))].sort();
    const within = new Set(group);
    const spelled = new Map<string, string>();
    const of = members.length > spelledOut ? members.slice(0, 1) : members;
    for (const name of of) {
      const node = group.find((member) => nameAt(member) === name) ?? 0;
      const names = circleThrough(graph, node, within).map(nameAt);
      spelled.set(
        name,
        names.filter((each, at) => at === 0 || each !== names[at - 1]).join(" -> "),
      );
    }
    return members.map((config) => ({
      config,
      message: cycleMessage(config, { spelled: spelled.get(config), first: members[0] ?? "" }),
    }));
  });
}

function cycleMessage(
  config: string,
  { spelled, first }: { spelled: string | undefined; first: string },
): string {
  if (spelled === undefined) return `it is part of the cycle that is spelled out at ${first}`;
  const path = spelled.includes(" -> ") ? spelled : `${config} -> ${config}`;
  return `cycle: ${path}; each reads the output of the next, so none can begin; take one out`;
}

/** For each step the steps whose output of the same day it waits for. */
function graphOf(steps: readonly PlanStep[]): Graph {
  const byId = new Map(steps.map((step, at) => [step.id, at]));
  const byOutput = new Map<TableName, number>();
  for (const [at, step] of steps.entries()) {
    if (step.output !== undefined) byOutput.set(step.output, at);
  }
  return steps.map((step) => {
    const producers = step.inputs
      .filter((input) => offsetDays(input.endOffset) === 0)
      .map((input) => byOutput.get(input.table) ?? byOutput.get(baseTable(input.table)));
    const before = step.after.map((id) => byId.get(id));
    return [...producers, ...before].filter((node) => node !== undefined);
  });
}

function writersBy(
  steps: readonly PlanStep[],
  keyOf: (step: PlanStep) => string | null,
): Map<string, Set<string>> {
  const writers = new Map<string, Set<string>>();
  for (const step of steps) {
    const key = keyOf(step);
    if (key === null) continue;
    writers.set(key, (writers.get(key) ?? new Set()).add(step.config));
  }
  return writers;
}

function conflictsIn(
  writers: ReadonlyMap<string, ReadonlySet<string>>,
  message: (key: string, others: string) => string,
): Conflict[] {
  return [...writers].flatMap(([key, configs]) => {
    if (configs.size < 2) return [];
    const names = [...configs].sort();
    return names.map((config) => {
      const others = names.filter((name) => name !== config);
      const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
      return { config, message: message(key, others.slice(0, 3).join(", ") + more) };
    });
  });
}
