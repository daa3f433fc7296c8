import { type Random, randomOf } from "../../adapters/simulated/random.ts";
import { closingOf } from "../../core/closing.ts";
import { addDays, daysIn, partitionEndMs } from "../../core/dates.ts";
import { valueOfDay } from "../../core/delta-partitions.ts";
import { offsetDays } from "../../core/durations.ts";
import { fixedOf, type LakeTable, lakeLayout } from "../../core/lake-layout.ts";
import { inputRange } from "../../core/partitions.ts";
import { single } from "../../core/readiness.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { EpochMs, Partition, PartitionRange, TableName } from "../../schemas/ids.ts";
import type { Plan } from "../../schemas/plan.ts";
import type { Settings } from "../../schemas/settings.ts";

/** A partition that somebody outside of Landfall writes, and when. */
export interface Arrival {
  readonly table: LakeTable;
  /** The table, or the sub-partition of it, as the plan names it. */
  readonly name: TableName;
  readonly partition: Partition;
  readonly at: EpochMs;
  readonly late: boolean;
}

export interface Outside {
  readonly plan: Plan;
  readonly settings: Settings;
  readonly seed: number;
  /** Share of partitions that land late, 0 to 1. */
  readonly late: number;
}

const minuteMs = 60_000;
/** How long after the end of its day a partition lands, on time and late. */
const onTimeMs = [0, 30 * minuteMs] as const;
const lateMs = [60 * minuteMs, 12 * 60 * minuteMs] as const;
const leadDaysMax = 60;

/** Days to begin before those that are asked for, so that what reads earlier days finds them. */
export function leadDays({ steps }: Plan): number {
  const offsets = steps.flatMap(({ inputs }) => inputs.map((i) => offsetDays(i.endOffset)));
  return Math.min(leadDaysMax, Math.max(1, ...offsets));
}

/** Every partition of a range that the plan's external tables get, in order of time. */
export function arrivalsOf(outside: Outside, range: PartitionRange): Arrival[] {
  const { plan, settings, seed, late } = outside;
  const layout = lakeLayout(plan.tables, settings.tables);
  const external = new Set(plan.tables.flatMap((t) => (t.external ? [t.name] : [])));
  return [...layout.tables.values()]
    .flatMap((table) =>
      landedNames(table, external).flatMap((name) => {
        const random = randomOf(seed, `arrivals of ${name}`);
        return daysIn(range).map((partition): Arrival => {
          const isLate = random.chance(late);
          const [usual, more] = [between(random, onTimeMs), between(random, lateMs)];
          const at = partitionEndMs(partition) + (isLate ? more : usual);
          return { table, name, partition, at, late: isLate };
        });
      }),
    )
    .sort((a, b) => a.at - b.at);
}

function between(random: Random, [least, most]: readonly [number, number]): number {
  return random.between(least, most);
}

/** A table whose sub-partitions are read lands as those. */
function landedNames(table: LakeTable, external: ReadonlySet<TableName>): TableName[] {
  const names = table.landsAs.map(({ name }) => name).filter((name) => external.has(name));
  const parts = names.filter((name) => name !== table.name);
  return parts.length > 0 ? parts : names;
}

/** Writes an arrival as a foreign writer would. */
export function land(lake: ObjectStore, settings: Settings, arrival: Arrival): Promise<void> {
  return write(lake, settings, { ...arrival, partitions: [arrival.partition] });
}

interface Writing extends Pick<Arrival, "table" | "name" | "at"> {
  readonly partitions: readonly Partition[];
}

/** One Delta commit; for a table that closes by a marker, which has no log, its `_SUCCESS`. */
async function write(
  lake: ObjectStore,
  settings: Settings,
  { table, name, partitions, at }: Writing,
): Promise<void> {
  const [path = ""] = table.paths;
  const [partitionColumn = "ds"] = table.columns;
  const fixed = fixedOf(name);
  if (closingOf(settings, { name, external: true }).when === "marker") {
    for (const partition of partitions) {
      const values = { [partitionColumn]: valueOfDay(partition, table.format), ...fixed };
      const folders = Object.entries(values).map(([column, value]) => `${column}=${value}`);
      await lake.write(`${path}/${folders.join("/")}/_SUCCESS`, new Uint8Array());
    }
    return;
  }
  await commitDelta(
    lake,
    { path, partitionColumn, partitionFormat: table.format, fixed },
    {
      partitions: partitions.map((partition) => ({ partition, rows: 1_000 })),
      mode: "append",
      operation: "WRITE",
      engineInfo: "landfall rehearse",
      newId: () => `${name}-${at}`.replaceAll("/", "-"),
      at,
    },
  );
}

/** Gives every partitioned table days before a rehearsal begins: all that its readers reach for. */
export async function writeHistory(
  lake: ObjectStore,
  { plan, settings }: Outside,
  { begins, days }: { readonly begins: Partition; readonly days: number },
): Promise<void> {
  const unpartitioned = new Set(
    plan.steps.flatMap(({ effect, output }) =>
      effect === "rewrites-table" && output !== undefined ? [output] : [],
    ),
  );
  const names = new Set(plan.tables.map(({ name }) => name));
  const earliest = earliestRead(plan, begins);
  const end = addDays(begins, -1);
  for (const table of lakeLayout(plan.tables, settings.tables).tables.values()) {
    if (unpartitioned.has(table.name)) continue;
    for (const name of landedNames(table, names)) {
      const usual = addDays(begins, -days);
      const asked = earliest.get(name) ?? usual;
      const partitions = daysIn({ start: asked < usual ? asked : usual, end });
      await write(lake, settings, { table, name, partitions, at: partitionEndMs(end) });
    }
  }
}

/** The earliest last day that tables are read up to: sources may end years ago. */
function earliestRead({ steps }: Plan, begins: Partition): Map<TableName, Partition> {
  const earliest = new Map<TableName, Partition>();
  for (const input of steps.flatMap(({ inputs }) => inputs)) {
    const day = inputRange(single(begins), input)?.end;
    const known = earliest.get(input.table);
    if (day !== undefined && (known === undefined || day < known)) earliest.set(input.table, day);
  }
  return earliest;
}
