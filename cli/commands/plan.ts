import { Command } from "commander";
import { compile } from "../../core/compile/compile.ts";
import type { Plan } from "../../schemas/plan.ts";
import { BadAnswer } from "../errors.ts";
import { planText } from "../plan-text.ts";
import { readConfigs } from "../read-configs.ts";
import { readSettings } from "../settings.ts";

interface PlanOptions {
  readonly configs: string;
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly settings?: string;
}

/**
 * `landfall plan`: what a config repository compiles to, without running anything. With `--strict`
 * any problem, warnings too, is a bad answer: for a config repository's CI.
 */
export function planCommand(): Command {
  return new Command("plan")
    .description("show the pipelines, steps and problems of a config repository")
    .requiredOption("--configs <dir>", "compiled configs: holds or is production/ or compiled/")
    .option("--json", "print the plan as JSON")
    .option("--strict", "exit 1 when there is any problem, warnings too")
    .option("--settings <file>", "settings, JSON")
    .action(plan);
}

async function plan(options: PlanOptions): Promise<void> {
  const settings = readSettings(options.settings);
  const compiled = compile({ files: await readConfigs(options.configs), settings });
  const text =
    options.json === true ? JSON.stringify(planJson(compiled), null, 2) : planText(compiled);
  process.stdout.write(`${text}\n`);
  if (options.strict === true && compiled.problems.length > 0) throw new BadAnswer();
}

/** A plan as other programs read it: everything but the version of its schema. */
export function planJson(plan: Plan): Omit<Plan, "schema"> {
  const { schema: _schema, ...shown } = plan;
  return shown;
}
