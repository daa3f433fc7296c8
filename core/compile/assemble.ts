import type { TableName } from "../../schemas/ids.ts";
import type { Plan, PlanInput, PlanPipeline, PlanStep, PlanTable } from "../../schemas/plan.ts";
import { baseTable } from "../plan-index.ts";
import type { PartitionFormat } from "./reads.ts";

/** Steps that stand together, and what they say of tables. */
export interface Parts {
  /** In order of id. */
  readonly steps: readonly PlanStep[];
  /** Which config writes a table, whether or not it has steps now. */
  readonly writers: ReadonlyMap<TableName, string>;
  readonly formats: ReadonlyMap<TableName, PartitionFormat>;
}

/** The steps, with the config that writes each of their inputs. */
export function linked(steps: readonly PlanStep[], writers: Parts["writers"]): PlanStep[] {
  return steps.map((step) => ({
    ...step,
    inputs: step.inputs.map((input) => {
      const producedBy = writers.get(input.table) ?? writers.get(baseTable(input.table));
      return inputOf({ ...input, producedBy });
    }),
  }));
}

/** An input with its fields in the order of its schema, so that equal plans have equal text. */
function inputOf(
  input: Omit<PlanInput, "producedBy"> & { producedBy: string | undefined },
): PlanInput {
  const { startCutOff, endCutOff, producedBy, cumulative } = input;
  return {
    table: input.table,
    startOffset: input.startOffset,
    endOffset: input.endOffset,
    ...(startCutOff === undefined ? {} : { startCutOff }),
    ...(endCutOff === undefined ? {} : { endCutOff }),
    partitionColumn: input.partitionColumn,
    ...(producedBy === undefined ? {} : { producedBy }),
    ...(cumulative === undefined ? {} : { cumulative }),
  };
}

/** Every table that is read or written, in order of name. */
export function tablesOf({ steps, writers, formats }: Parts): PlanTable[] {
  const columns = new Map<TableName, Set<string>>();
  const add = (table: TableName, column: string) => {
    columns.set(table, (columns.get(table) ?? new Set()).add(column));
  };
  for (const step of steps) {
    for (const input of step.inputs) add(input.table, input.partitionColumn);
    if (step.output !== undefined) add(step.output, step.outputColumn);
  }
  return [...columns].sort(byFirst).map(([name, of]) => {
    const producedBy = writers.get(name) ?? writers.get(baseTable(name));
    return {
      name,
      external: producedBy === undefined,
      ...(producedBy === undefined ? {} : { producedBy }),
      partitionColumns: [...of].sort(),
      partitionFormat: formats.get(name) ?? "yyyy-MM-dd",
    };
  });
}

/** Pipelines with their steps, in order of name. */
export function pipelinesOf(steps: readonly PlanStep[]): PlanPipeline[] {
  const members = new Map<string, PlanStep[]>();
  for (const step of steps) {
    const of = members.get(step.pipeline);
    if (of === undefined) members.set(step.pipeline, [step]);
    else of.push(step);
  }
  return [...members].sort(byFirst).map(([name, of]) => {
    const teams = new Set(of.map((step) => step.team));
    const [team] = teams;
    const ofTeam = team !== undefined && name.endsWith(`_${team}`);
    return {
      name,
      schedule: scheduleOf(of),
      ...(ofTeam ? { team } : {}),
      steps: of.map((step) => step.id),
    };
  });
}

/** The schedule all steps that have one share; `@daily` when they differ, null when none has one. */
function scheduleOf(steps: readonly PlanStep[]): string | null {
  const schedules = new Set(steps.map((step) => step.schedule).filter((each) => each !== null));
  const [first = null] = schedules;
  return schedules.size > 1 ? "@daily" : first;
}

/** Problems in a stable order: by file, config, severity and message. */
export function orderedProblems(problems: Plan["problems"]): Plan["problems"] {
  const keyed = problems.map((problem) => {
    const { file, config = "", severity, message } = problem;
    return [[file, config, severity, message].join("\n"), problem] as const;
  });
  return keyed.sort(byFirst).map(([, problem]) => problem);
}

function byFirst(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
