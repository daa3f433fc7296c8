import type { PlanInput } from "../../schemas/plan.ts";
import { type Consistency, logColumn } from "./consistency.ts";
import type { Described } from "./describe.ts";
import { consistencyTables } from "./names.ts";
import type { Recipe } from "./recipe.ts";

/**
 * The check that fetchers answer what the offline join computes: flatten what they logged, compute
 * the join again for it, compare, publish. The steps meet in the tables they write and read.
 */
type OfCheck = (of: Described, check: Consistency) => Omit<Recipe, "pipeline" | "schedule"> | null;

/** Fills days that are missing, and needs the raw log's day and the schemas known by then. */
export const logFlattener = checking((of, { log, env }) => ({
  ...daily,
  inputs: log.map(({ input }) => input),
  output: consistencyTables(of.output).logged,
  outputColumn: logColumn,
  env,
}));

/** Computes the join from its sources with the log as its left side, so it waits for these as well. */
export const comparisonTable = checking((of, { comparisonStep, sources }) => {
  if (!comparisonStep) return null;
  const { logged, comparison } = consistencyTables(of.output);
  const inputs = [ofTheDay(logged, logColumn), ...sources.map(({ input }) => input)];
  return { ...daily, inputs, output: comparison };
});

/** Compares. Where no step before it built the comparison table it builds that too. */
export const consistencyMetrics = checking((of, { comparisonStep, sources }) => {
  const { logged, comparison, consistency } = consistencyTables(of.output);
  const compared = comparisonStep
    ? [ofTheDay(comparison, of.column)]
    : sources.map(({ input }) => input);
  return {
    ...daily,
    inputs: [ofTheDay(logged, logColumn), ...compared],
    output: consistency,
    outputColumn: logColumn,
  };
});

/** Landfall's own: no job of Chronon publishes what was found. */
export const publishMetrics = checking((of) => ({
  ...daily,
  inputs: [ofTheDay(consistencyTables(of.output).consistency, logColumn)],
}));

const daily = { after: [], stepDays: 1 };

function checking(recipe: OfCheck) {
  return (of: Described): Recipe | null => {
    const { consistency: check } = of;
    const made = check === null || "unchecked" in check ? null : recipe(of, check);
    if (made === null) return null;
    return { pipeline: `chronon_join_ooc_${of.config.team}`, schedule: "@daily", ...made };
  };
}

function ofTheDay(table: string, partitionColumn: string): PlanInput {
  return { table, startOffset: "P0D", endOffset: "P0D", partitionColumn };
}
