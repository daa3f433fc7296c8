import { compile } from "../../core/compile/compile.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { type Plan, type PlanStep } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";

type Json = Readonly<Record<string, unknown>>;

export const days = (length: number) => ({ length, timeUnit: 1 });
export const hours = (length: number) => ({ length, timeUnit: 0 });

export const settings = Settings.parse({});

export function events(table: string, query: Json = {}, more: Json = {}): Json {
  return { events: { table, query: { selects: { a: "a" }, ...query }, ...more } };
}

export function entities(snapshotTable: string, query: Json = {}, more: Json = {}): Json {
  return { entities: { snapshotTable, query: { selects: { a: "a" }, ...query }, ...more } };
}

/** A GroupBy over one events table with a window of seven days, unless told otherwise. */
export function groupBy(name: string, more: Json = {}, metaData: Json = {}): Json {
  return {
    metaData: meta(name, metaData),
    sources: [events("data.events")],
    keyColumns: ["user"],
    aggregations: [{ inputColumn: "amount", operation: 7, windows: [days(7)] }],
    ...more,
  };
}

export function join(name: string, more: Json = {}, metaData: Json = {}): Json {
  return { metaData: meta(name, metaData), left: events("data.checkouts"), joinParts: [], ...more };
}

export function stagingQuery(name: string, more: Json = {}, metaData: Json = {}): Json {
  return { metaData: meta(name, metaData), query: "SELECT 1", ...more };
}

export function dependency(table: string, more: Json = {}): Json {
  return {
    tableInfo: { table, partitionColumn: "ds", partitionInterval: days(1) },
    startOffset: days(0),
    endOffset: days(0),
    ...more,
  };
}

function meta(name: string, more: Json): Json {
  return { name, team: name.slice(0, name.indexOf(".")), outputNamespace: "out", ...more };
}

/** The file of a conf: `<root>/<type>/<team>/<rest of the name>`. */
export function file(
  type: "group_bys" | "joins" | "staging_queries" | "models" | "model_transforms",
  conf: Json,
  { root = "compiled", path }: { root?: string; path?: string } = {},
): ConfigFile {
  const { name } = conf["metaData"] as { name: string };
  const at = name.indexOf(".");
  const own = `${root}/${type}/${name.slice(0, at)}/${name.slice(at + 1)}`;
  return { path: path ?? own, text: JSON.stringify(conf) };
}

export function compileFiles(
  files: readonly ConfigFile[],
  more: { readonly previous?: Plan; readonly settings?: Settings } = {},
): Plan {
  return compile({ files, settings, ...more });
}

/** The one step of a plan with an id; a plan without it fails the test with the ids it has. */
export function stepOf(plan: Plan, id: string): PlanStep {
  const found = plan.steps.find((step) => step.id === id);
  if (found === undefined) {
    throw new Error(`no step ${id} in ${plan.steps.map((step) => step.id).join(", ")}`);
  }
  return found;
}

/** Steps that are a config's own. */
export function stepsOf(plan: Plan, config: string): readonly PlanStep[] {
  return plan.steps.filter((step) => step.config === config);
}

/** Problems as lines: `severity file: message`. */
export function problemLines(plan: Plan): string[] {
  return plan.problems.map(({ severity, file: at, message }) => `${severity} ${at}: ${message}`);
}
