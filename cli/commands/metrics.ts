import { Command } from "commander";
import { addDays, isPartition, partitionAt } from "../../core/dates.ts";
import { lakeTable } from "../../core/lake-layout.ts";
import { deltaPath } from "../../lake/delta-reader.ts";
import { readJobMetrics } from "../../lake/job-metrics.ts";
import type { JobMetric } from "../../schemas/job-metrics.ts";
import { UsageError } from "../errors.ts";
import { lakeOf } from "../lake.ts";
import { type MetricsSummary, summaryOf } from "../metrics-summary.ts";
import { readSettings } from "../settings.ts";
import { settingsOption } from "../state.ts";
import { tableOf } from "../text-table.ts";
import { lakeOption } from "./up.ts";

interface MetricsOptions {
  readonly since?: string;
  readonly lake?: string;
  readonly settings?: string;
  readonly json?: boolean;
}

/** Days that are shown when nobody says since when. */
const usualDays = 7;

/** `landfall metrics`: what finished attempts came to, as the table of them in the lake says. */
export function metricsCommand(): Command {
  return new Command("metrics")
    .description("sum up finished attempts: how they ended, failures by fingerprint, cost by team")
    .option(
      "--since <day>",
      `only what ended on this day (UTC) or later; the last ${usualDays} days`,
    )
    .addOption(lakeOption())
    .addOption(settingsOption())
    .option("--json", "print the sums as JSON")
    .action(async (options: MetricsOptions) => {
      const since = options.since ?? addDays(partitionAt(Date.now()), 1 - usualDays);
      const summary = summaryOf(await rowsSince(since, options));
      const text =
        options.json === true
          ? JSON.stringify({ since, ...summary }, null, 2)
          : metricsText(since, summary);
      process.stdout.write(`${text}\n`);
    });
}

async function rowsSince(since: string, options: MetricsOptions): Promise<JobMetric[]> {
  if (!isPartition(since)) {
    throw new UsageError(`${JSON.stringify(since)} is no day; write --since 2025-09-30`);
  }
  const settings = readSettings(options.settings);
  const name = settings.metrics.table;
  const table = name === null ? null : lakeTable(name, [], settings.tables);
  if (table === null) throw new UsageError("metrics.table is null: no attempts are kept");
  const { store, where } = await lakeOf(settings, options.lake);
  try {
    const path = await deltaPath(store, table);
    if (path !== null) return await readJobMetrics(store, path, since);
    throw new UsageError(
      `there is no ${table.name} in ${where}: it is made with the first attempt that finishes`,
    );
  } finally {
    await store.close();
  }
}

/** The sums as tables for people. */
export function metricsText(since: string, { attempts, failures, teams }: MetricsSummary): string {
  if (attempts.length === 0) return `no attempt finished since ${since}`;
  const ended = tableOf({ job: 24, state: 10, attempts: 9, hours: 9 });
  for (const { jobType, state, count, durationMs } of attempts) {
    ended.add({ job: jobType, state, attempts: String(count), hours: hours(durationMs) });
  }
  const causes = tableOf({
    failures: 8,
    steps: 6,
    class: 26,
    fingerprint: 16,
    last: 16,
    error: 48,
  });
  for (const { count, steps, errorClass, fingerprint, lastAt, error } of failures) {
    causes.add({
      failures: String(count),
      steps: String(steps),
      class: errorClass,
      fingerprint,
      last: new Date(lastAt).toISOString().slice(0, 16).replace("T", " "),
      error,
    });
  }
  const costs = tableOf({ team: 24, attempts: 9, failed: 8, hours: 9, cost: 16 });
  for (const { team, count, failed, durationMs, cost, currency } of teams) {
    costs.add({
      team,
      attempts: String(count),
      failed: String(failed),
      hours: hours(durationMs),
      cost: cost === null ? "not known" : `${cost.toFixed(2)} ${currency}`,
    });
  }
  const shown = failures.length === 0 ? [ended, costs] : [ended, causes, costs];
  return [`since ${since} (UTC)`, ...shown.map((table) => table.render())].join("\n");
}

function hours(ms: number): string {
  return (ms / 3_600_000).toFixed(2);
}
