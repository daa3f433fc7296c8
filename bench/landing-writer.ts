import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wallMs } from "./print.ts";

/**
 * The other process of `landing.ts`: renames `count` commits into place, `rate` a second, and prints
 * `{table, at}` for each, the time taken just before the rename.
 */
const [lake = "", count = "0", rate = "1", day = ""] = process.argv.slice(2);
const began = performance.now();
for (let at = 0; at < Number(count); at++) {
  const due = began + (at * 1000) / Number(rate);
  while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 1));
  const table = `t${String(at).padStart(5, "0")}`;
  const log = join(lake, "bench", table, "_delta_log");
  mkdirSync(log, { recursive: true });
  const add = {
    path: `ds=${day}/part-0.parquet`,
    partitionValues: { ds: day },
    size: 1,
    modificationTime: Date.now(),
    dataChange: true,
    stats: '{"numRecords":1}',
  };
  const temporary = join(log, ".tmp");
  writeFileSync(temporary, `${JSON.stringify({ add })}\n`);
  const time = wallMs();
  renameSync(temporary, join(log, `${"1".padStart(20, "0")}.json`));
  process.stdout.write(`${JSON.stringify({ table: `bench.${table}`, at: time })}\n`);
}
