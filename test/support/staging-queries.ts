import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const none = { length: 0, timeUnit: 1 };

/** Name → the tables it reads. Query `a` of team `t` writes `lake.t_a__0`. */
export type Queries = Readonly<Record<string, readonly string[]>>;

/** Compiled confs of daily staging queries. */
export function stagingQueryFiles(queries: Queries): { path: string; text: string }[] {
  return Object.entries(queries).map(([name, tables]) => ({
    path: `compiled/staging_queries/t/${name}__0`,
    text: JSON.stringify({
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
    }),
  }));
}

/** Writes them as a config repository below a folder. */
export function writeStagingQueries(folder: string, queries: Queries): void {
  for (const { path, text } of stagingQueryFiles(queries)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
