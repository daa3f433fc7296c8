import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { pathToFileURL } from "node:url";
import { compile } from "../core/compile/compile.ts";
import type { ConfigFile } from "../core/compile/config-file.ts";
import { Settings } from "../schemas/settings.ts";

const environment = Object.fromEntries(
  Array.from({ length: 14 }, (_, at) => [`SETTING_${at}`, `a value of some length, number ${at}`]),
);

function metaData(name: string, team: string): object {
  return {
    name,
    team,
    online: 1,
    outputNamespace: "data",
    sourceFile: "x.py",
    version: "0",
    executionInfo: {
      offlineSchedule: "@daily",
      onlineSchedule: "@daily",
      conf: { common: { "spark.chronon.partition.column": "ds", ...environment } },
      env: { common: environment, modeEnvironments: { upload: environment } },
    },
  };
}

function groupByOf(at: number, team: string): object {
  return {
    metaData: metaData(`${team}.group_by_${at}.v1__0`, team),
    sources: [
      {
        events: {
          table:
            at % 3 === 0
              ? `data.${team}_staging_${at - (at % 10)}_v1__0`
              : `raw.events_${at % 500}`,
          topic: `topic_${at}`,
          query: { selects: environment, timeColumn: "ts", startPartition: "2024-01-01" },
        },
      },
    ],
    keyColumns: ["user"],
    aggregations: [1, 7, 30].map((length) => ({
      inputColumn: "amount",
      operation: 7,
      windows: [{ length, timeUnit: 1 }],
    })),
  };
}

/** A repository of `count` configs, 20 teams: a tenth staging queries, a third joins. */
export function repositoryOf(count: number): ConfigFile[] {
  return Array.from({ length: count }, (_, at) => {
    const team = `team${Math.floor(at / 10) % 20}`;
    const of = (type: string, name: string, conf: object) => ({
      path: `compiled/${type}/${team}/${name}`,
      text: JSON.stringify(conf),
    });
    if (at % 10 === 0) {
      return of("staging_queries", `staging_${at}.v1__0`, {
        metaData: metaData(`${team}.staging_${at}.v1__0`, team),
        query: "SELECT * FROM raw.source WHERE ds BETWEEN {{ start_date }} AND {{ end_date }}",
        tableDependencies: [
          {
            tableInfo: { table: `raw.source_${at % 300}`, partitionColumn: "ds" },
            startOffset: { length: 0, timeUnit: 1 },
            endOffset: { length: 0, timeUnit: 1 },
          },
        ],
      });
    }
    if (at % 3 !== 1) return of("group_bys", `group_by_${at}.v1__0`, groupByOf(at, team));
    return of("joins", `join_${at}.v1__0`, {
      metaData: metaData(`${team}.join_${at}.v1__0`, team),
      left: { events: { table: `raw.events_${at % 500}`, query: { timeColumn: "ts" } } },
      joinParts: [1, 2].map((by) => ({ groupBy: groupByOf(at + by, team) })),
    });
  });
}

/** Compiles 10,000 configs held in memory, once and cold as a command does, and prints one line. */
function main(): void {
  const configs = 10_000;
  const files = repositoryOf(configs);
  const settings = Settings.parse({});
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  const hashed = files.map((file) => ({
    ...file,
    hash: createHash("sha256").update(file.text).digest("hex"),
  }));
  const plan = compile({ files: hashed, settings });
  const seconds = (performance.now() - before) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const bytes = files.reduce((sum, file) => sum + file.text.length, 0);
  console.log(
    JSON.stringify({
      bench: "compile",
      configs,
      seconds: Math.round(seconds * 100) / 100,
      cpuSeconds: Math.round((user + system) / 1e4) / 100,
      rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      inputMb: Math.round(bytes / 1e6),
      steps: plan.steps.length,
      problems: plan.problems.length,
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
