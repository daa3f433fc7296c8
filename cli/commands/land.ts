import { Command, InvalidArgumentError } from "commander";
import { isPartition } from "../../core/dates.ts";
import type { PartitionColumn } from "../../core/delta.ts";
import type { DeltaState } from "../../core/delta-state.ts";
import { fixedOf, lakeTable } from "../../core/lake-layout.ts";
import { baseTable } from "../../core/plan-index.ts";
import { dataFile } from "../../lake/data-file.ts";
import { deltaPath } from "../../lake/delta-reader.ts";
import { withDeltaTable } from "../../lake/delta-table.ts";
import { commitDelta, type DeltaTarget } from "../../lake/delta-writer.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Partition, TableName } from "../../schemas/ids.ts";
import { UsageError } from "../errors.ts";
import { lakeOf } from "../lake.ts";
import { readSettings } from "../settings.ts";
import { settingsOption } from "../state.ts";
import { lakeOption } from "./up.ts";

interface LandOptions {
  readonly lake?: string;
  readonly rows: number;
  readonly append?: true;
  readonly column?: string;
  readonly settings?: string;
}

/** Rows are really written; more than these are no rehearsal any more. */
const rowsMax = 1_000_000;

/** `landfall land`: one commit into the lake, as a foreign writer would make it. */
export function landCommand(): Command {
  return new Command("land")
    .description("write a partition into the lake as a foreign writer would: one Delta commit")
    .argument("<table>", "db.table, or db.table/hr=00:00 for a sub-partition of it")
    .argument("<partition>", "the day, yyyy-MM-dd")
    .option("--rows <n>", `rows of it, at most ${rowsMax}`, wholeNumber, 1_000)
    .option("--append", "add to what the partition holds instead of replacing it")
    .option("--column <name>", "column of the day; of a table that is there: as its metaData says")
    .addOption(lakeOption())
    .addOption(settingsOption())
    .action(land);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= rowsMax) return number;
  throw new InvalidArgumentError(`It must be a whole number, at most ${rowsMax}.`);
}

async function land(name: TableName, partition: Partition, options: LandOptions): Promise<void> {
  if (!isPartition(partition)) {
    throw new UsageError(
      `${JSON.stringify(partition)} is no day; a partition is written yyyy-MM-dd, for example 2025-09-30`,
    );
  }
  const settings = readSettings(options.settings);
  const { tables } = settings;
  const table = lakeTable(baseTable(name), [], tables);
  const [path] = table?.paths ?? [];
  if (table === null || path === undefined) {
    throw new UsageError(`${JSON.stringify(name)} is no table; a table is db.table`);
  }
  const { store, where } = await lakeOf(settings, options.lake);
  const target = await targetOf(store, (await deltaPath(store, table)) ?? path, { name, options });
  const { version } = await commitDelta(store, target, {
    partitions: [{ partition, rows: options.rows }],
    mode: options.append === true ? "append" : "overwrite-partitions",
    operation: "WRITE",
    engineInfo: "landfall land",
    dataFile,
    at: Date.now(),
  });
  await store.close();
  process.stdout.write(
    `${name}@${partition}: ${options.rows} rows, commit ${version} of ${where}/${target.path}\n`,
  );
}

/** A new table gets the columns asked for; one that is there says itself what it has. */
function targetOf(
  store: ObjectStore,
  path: string,
  { name, options }: { readonly name: TableName; readonly options: LandOptions },
): Promise<DeltaTarget> {
  const fixed = fixedOf(name);
  return withDeltaTable(store, path, ({ state }) => {
    const columns = state.metaData?.partitionColumns;
    if (columns === undefined) return { path, fixed, partitionColumn: options.column ?? "ds" };
    const day = dayColumnOf(columns, { fixed, path, asked: options.column });
    return { path, fixed, partitionColumn: day.name, partitionFormat: formatOf(state, day) };
  });
}

function dayColumnOf(
  columns: readonly PartitionColumn[],
  wanted: {
    readonly fixed: Readonly<Record<string, string>>;
    readonly path: string;
    readonly asked: string | undefined;
  },
): PartitionColumn {
  const { fixed, path, asked } = wanted;
  const [day, ...others] = columns.filter(({ name }) => !Object.hasOwn(fixed, name));
  const has = columns.map((column) => column.name).join(", ") || "nothing";
  if (day === undefined || columns.length - others.length - 1 !== Object.keys(fixed).length) {
    throw new UsageError(`${path} is partitioned by ${has}; it has no column left for the day`);
  }
  if (others.length > 0) {
    const more = others.map((column) => `/${column.name}=…`).join("");
    throw new UsageError(`${path} is partitioned by ${has}; name the table as <table>${more}`);
  }
  if (asked !== undefined && asked !== day.name) {
    throw new UsageError(`${path} is partitioned by ${has}, not by ${asked}; leave --column out`);
  }
  return day;
}

/** How the days that are there are spelled. */
function formatOf(state: DeltaState, day: PartitionColumn): "yyyy-MM-dd" | "yyyyMMdd" {
  const values = [...state.partitions.values()].map(({ values: all }) => all[day.physicalName]);
  return values.some((value) => /^\d{8}$/.test(value ?? "")) ? "yyyyMMdd" : "yyyy-MM-dd";
}
