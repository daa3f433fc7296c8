// A job that is not part of Landfall: it appends one line about itself to a ledger that Landfall
// never reads, works for a while, and commits its output to a Delta log with plain file calls.
// usage: node delta-job.mjs LAKE LEDGER MILLISECONDS; the rest comes from LANDFALL_* variables
import { appendFileSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [lake = "", ledger = "", ms = "0"] = process.argv.slice(2);
const { LANDFALL_TASK, LANDFALL_RUN, LANDFALL_ATTEMPT, LANDFALL_JOB_ID } = process.env;
const { LANDFALL_TABLE = "", LANDFALL_START = "" } = process.env;
appendFileSync(ledger, `${LANDFALL_TASK} ${LANDFALL_RUN} ${LANDFALL_ATTEMPT} ${LANDFALL_JOB_ID}\n`);
await sleep(Number(ms));

const log = join(lake, LANDFALL_TABLE.replace(".", "/"), "_delta_log");
mkdirSync(log, { recursive: true });
const now = Date.now();
const add = {
  path: `ds=${LANDFALL_START}/${LANDFALL_JOB_ID}.parquet`,
  partitionValues: { ds: LANDFALL_START },
  size: 1,
  modificationTime: now,
  dataChange: true,
  stats: '{"numRecords":1}',
};
const schema = {
  type: "struct",
  fields: [{ name: "ds", type: "string", nullable: true, metadata: {} }],
};
const head = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: LANDFALL_TABLE,
      format: { provider: "parquet", options: {} },
      schemaString: JSON.stringify(schema),
      partitionColumns: ["ds"],
      configuration: {},
      createdTime: now,
    },
  },
];
for (let version = 0; ; version++) {
  const file = join(log, `${String(version).padStart(20, "0")}.json`);
  if (existsSync(file)) continue;
  const actions = [{ commitInfo: { timestamp: now } }, ...(version === 0 ? head : []), { add }];
  const temporary = join(log, `.${LANDFALL_JOB_ID}.${version}.tmp`);
  writeFileSync(temporary, actions.map((action) => JSON.stringify(action)).join("\n"));
  try {
    linkSync(temporary, file);
    break;
  } catch {
    continue;
  } finally {
    rmSync(temporary, { force: true });
  }
}
