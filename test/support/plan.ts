import { indexPlan, type PlanIndex } from "../../core/plan-index.ts";
import type { Plan, PlanInput, PlanStep, PlanTable } from "../../schemas/plan.ts";

/** An input read at the output's own day, unless told otherwise. */
export function input(table: string, more: Partial<PlanInput> = {}): PlanInput {
  return { table, startOffset: "P0D", endOffset: "P0D", partitionColumn: "ds", ...more };
}

/** A daily step that overwrites `out.<config>`, unless told otherwise. */
export function step(
  config: string,
  inputs: readonly PlanInput[],
  more: Partial<PlanStep> = {},
): PlanStep {
  const mode = more.mode ?? "backfill";
  const { output, ...rest } = { output: `out.${config}`, ...more };
  return {
    id: `${config}/${mode}`,
    config,
    mode,
    confType: "staging_queries",
    flavour: "zipline",
    team: "risk",
    pipeline: "chronon_sq_batch_risk",
    schedule: "@daily",
    inputs: [...inputs],
    after: [],
    outputColumn: "ds",
    effect: "overwrites",
    verification: "partitions",
    strategy: "every",
    stepDays: 1,
    semanticHash: "",
    conf: { path: `production/staging_queries/risk/${config}`, hash: "0" },
    env: {},
    ...(output === "" ? {} : { output }),
    ...rest,
  };
}

/** A plan of these steps; tables that no step writes are external. */
export function planOf(...steps: readonly PlanStep[]): PlanIndex {
  const written = new Map(
    steps.flatMap((s) => (s.output === undefined ? [] : [[s.output, s.config]])),
  );
  const names = new Set([...written.keys(), ...steps.flatMap((s) => s.inputs.map((i) => i.table))]);
  const tables = [...names].sort().map((name): PlanTable => {
    const producedBy = written.get(name);
    const shared = { name, partitionColumns: ["ds"], partitionFormat: "yyyy-MM-dd" as const };
    return producedBy === undefined
      ? { ...shared, external: true }
      : { ...shared, external: false, producedBy };
  });
  const plan: Plan = {
    schema: 1,
    hash: "test-plan",
    pipelines: [],
    steps: [...steps],
    tables,
    notScheduled: [],
    problems: [],
  };
  return indexPlan(plan);
}
