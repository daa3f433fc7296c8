import pc from "picocolors";
import type { Plan, PlanStep } from "../schemas/plan.ts";
import { type TextTable, tableOf } from "./text-table.ts";

/** A plan for people, in tables of at most 100 columns. Colours only where the terminal has them. */
export function planText(plan: Plan): string {
  const errors = plan.problems.filter((problem) => problem.severity === "error").length;
  const warnings = plan.problems.length - errors;
  const external = plan.tables.filter((table) => table.external).length;
  return [
    section("pipelines", pipelinesTable(plan)),
    section("streams", streamsTable(plan)),
    section("tables", tablesTable(plan)),
    section("not scheduled", notScheduledTable(plan)),
    section("problems", problemsTable(plan)),
    [
      `plan ${plan.hash.slice(0, 12)}`,
      `${plan.pipelines.length} pipelines`,
      `${plan.steps.length} steps`,
      `${plan.streams?.length ?? 0} streams`,
      `${plan.tables.length} tables (${external} external)`,
      `${plan.metadata?.length ?? 0} rows of metadata`,
    ].join(", "),
    `${errors} errors, ${warnings} warnings`,
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function section(title: string, table: TextTable | null): string {
  return table === null ? "" : `${pc.bold(title)}\n${table.render()}`;
}

function pipelinesTable(plan: Plan): TextTable | null {
  if (plan.pipelines.length === 0) return null;
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  const table = tableOf({ step: 54, schedule: 12, after: 20 });
  for (const pipeline of plan.pipelines) {
    table.add({ step: pipeline.name, schedule: pipeline.schedule ?? "on command", after: "" });
    for (const step of pipeline.steps.map((id) => steps.get(id))) {
      if (step !== undefined) table.add(stepRow(step));
    }
  }
  return table;
}

function stepRow(step: PlanStep): Record<string, string> {
  return {
    step: `- ${step.id}`,
    schedule: step.schedule ?? "on command",
    after: step.after.map((id) => id.slice(id.lastIndexOf("/") + 1)).join(", "),
  };
}

/** What is kept running beside the steps. */
function streamsTable({ streams }: Plan): TextTable | null {
  if (streams === undefined || streams.length === 0) return null;
  const table = tableOf({ "group by": 40, topic: 24, "begins after": 24 });
  for (const { config, topic, after, parentJoin } of streams) {
    const mode = after.slice(after.lastIndexOf("/") + 1);
    const begins = parentJoin === undefined ? mode : `${mode}, metadata of ${parentJoin}`;
    table.add({ "group by": config, topic, "begins after": begins });
  }
  return table;
}

function tablesTable(plan: Plan): TextTable | null {
  if (plan.tables.length === 0) return null;
  const table = tableOf({ table: 48, "written by": 40 });
  for (const { name, producedBy } of plan.tables) {
    table.add({ table: name, "written by": producedBy ?? "(external)" });
  }
  return table;
}

function notScheduledTable(plan: Plan): TextTable | null {
  if (plan.notScheduled.length === 0) return null;
  const table = tableOf({ config: 40, reason: 48 });
  for (const { config, reason } of plan.notScheduled) table.add({ config, reason });
  return table;
}

function problemsTable(plan: Plan): TextTable | null {
  if (plan.problems.length === 0) return null;
  const table = tableOf({ severity: 8, file: 36, problem: 44 });
  for (const { severity, file, message } of plan.problems) {
    table.add({ severity, file: file, problem: message });
  }
  return table;
}
