import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const none = { length: 0, timeUnit: 1 };

/**
 * Writes a config repository of daily staging queries: name → the tables it reads. Query `a` of
 * team `t` writes `lake.t_a__0`.
 */
export function writeStagingQueries(
  folder: string,
  queries: Readonly<Record<string, readonly string[]>>,
): void {
  for (const [name, tables] of Object.entries(queries)) {
    const conf = {
      metaData: {
        name: `t.${name}__0`,
        team: "t",
        version: "0",
        outputNamespace: "lake",
        executionInfo: { offlineSchedule: "@daily", stepDays: 1 },
      },
      query: "SELECT 1",
      tableDependencies: tables.map((table) => ({
        startOffset: none,
        endOffset: none,
        tableInfo: { table, partitionColumn: "ds" },
      })),
    };
    const file = join(folder, "compiled", "staging_queries", "t", `${name}__0`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(conf, null, 2));
  }
}
