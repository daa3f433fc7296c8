import { writeFile } from "node:fs/promises";
import { SingleBar } from "cli-progress";
import { Command, InvalidArgumentError, Option } from "commander";
import { isPartition } from "../../core/dates.ts";
import type { Partition } from "../../schemas/ids.ts";
import { BadAnswer, UsageError, wholeNumber } from "../errors.ts";
import { readConfigs } from "../read-configs.ts";
import { rehearse } from "../rehearse/machine.ts";
import { rehearsalPage } from "../rehearse/page.ts";
import { reportOf } from "../rehearse/report.ts";
import { reportText } from "../rehearse/report-text.ts";
import { readSettings } from "../settings.ts";

interface RehearseOptions {
  readonly configs: string;
  readonly from: Partition;
  readonly to: Partition;
  readonly late: number;
  readonly fail: number;
  readonly seed: number;
  readonly jobMinutes?: number;
  readonly settings?: string;
  readonly json?: boolean;
  readonly html?: string;
}

/**
 * `landfall rehearse`: days of a config repository in seconds, on a virtual clock, by the services
 * that would run them. Exit code 1 when something would never run.
 */
export function rehearseCommand(): Command {
  return new Command("rehearse")
    .description("run days of a config repository in seconds: what runs when, what would never run")
    .requiredOption("--configs <dir>", "compiled configs: holds or is production/ or compiled/")
    .addOption(dayOption("--from <day>", "first day, yyyy-MM-dd"))
    .addOption(dayOption("--to <day>", "last day, yyyy-MM-dd"))
    .option("--late <share>", "external partitions that land 1 to 12 h late, 0 to 1", share, 0)
    .option("--fail <share>", "attempts of jobs that fail, 0 to 1", share, 0)
    .option("--seed <n>", "another seed draws other times and failures", wholeNumber, 1)
    .option("--job-minutes <n>", "how long a job takes; without it 5 to 45 minutes", wholeNumber)
    .option("--settings <file>", "settings, JSON: pools, closings, retries")
    .option("--json", "print the report as JSON")
    .option("--html <file>", "write a page with a Gantt chart and the graph")
    .action(run);
}

function dayOption(flags: string, description: string): Option {
  return new Option(flags, description).makeOptionMandatory().argParser((text) => {
    if (isPartition(text)) return text;
    throw new InvalidArgumentError("A day is written yyyy-MM-dd, for example 2025-09-30.");
  });
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number between 0 and 1.");
}

async function run(options: RehearseOptions): Promise<void> {
  const { from, to, late, fail, seed, jobMinutes, html } = options;
  if (to < from) throw new UsageError(`--to ${to} is before --from ${from}`);
  const settings = readSettings(options.settings);
  const files = await readConfigs(options.configs);
  const begun = performance.now();
  const bar = new SingleBar({
    format: "rehearsing {bar} {percentage}% | {duration_formatted}",
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(100, 0);
  const rehearsed = await rehearse({
    files,
    settings,
    range: { start: from, end: to },
    late,
    fail,
    seed,
    ...(jobMinutes === undefined ? {} : { jobMs: jobMinutes * 60_000 }),
    progress: (done) => bar.update(Math.floor(100 * done)),
  }).finally(() => bar.stop());
  const report = await reportOf(rehearsed, Math.round(performance.now() - begun));
  if (html !== undefined) await writePage(html, await rehearsalPage(rehearsed, report));
  const text =
    options.json === true ? JSON.stringify(report, null, 2) : reportText(report, rehearsed);
  process.stdout.write(`${text}\n`);
  if (!report.ok) throw new BadAnswer();
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await writeFile(file, page);
  } catch (cause) {
    throw new UsageError(`cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
