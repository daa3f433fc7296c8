import { lakeTable } from "../../../core/lake-layout.ts";
import { deltaPath } from "../../../lake/delta-reader.ts";
import { type JobMetricsTable, jobMetricsTable } from "../../../lake/job-metrics.ts";
import type { MeasuringPorts } from "./pipeline.ts";

/** The table of finished attempts, looked for when it is first asked for. */
export function attemptsTable(ports: MeasuringPorts, name: string): () => Promise<JobMetricsTable> {
  let table: JobMetricsTable | null = null;
  return async () => (table ??= jobMetricsTable(ports.lake, await pathOf(ports, name), ports));
}

/** Where the table lies; where it is made when there is none. */
async function pathOf({ lake, settings }: MeasuringPorts, name: string): Promise<string> {
  const place = lakeTable(name, [], settings.tables);
  const [made] = place?.paths ?? [];
  if (place === null || made === undefined) {
    throw new Error(`cannot tell where ${name} lies; set tables["${name}"].path`);
  }
  return (await deltaPath(lake, place)) ?? made;
}
