import { addDays, dayOf, daysIn } from "../../core/dates.ts";
import { unitInterval } from "../../core/hash.ts";
import { collapse, stepsOf } from "../../core/partitions.ts";
import { commitDelta, type DeltaTarget } from "../../lake/delta-writer.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { Partition, PartitionRange } from "../../schemas/ids.ts";
import { comparedRows } from "./consistency.ts";
import { loadKeyValues } from "./key-values.ts";
import type { FoundTable } from "./lake.ts";
import { writeMetadata } from "./metadata.ts";
import { engineInfo, faultOf, faultText, type JobError, type RehearsalWorld } from "./world.ts";

/**
 * Does what Chronon's driver would do for a job, its silences included: filling modes skip what is
 * there, missing inputs write nothing, a failing range keeps its other steps, and all of these exit
 * 0 where the driver does. Doing it twice commits once: each commit carries the job's id.
 *
 * Sources: `GroupBy.scala` (steps, `unfilledRanges`), `GroupByUpload.scala` (zero rows),
 * `BigTableKVStoreImpl.scala` (`bulkPut`).
 */
export async function drive(world: RehearsalWorld, spec: JobSpec): Promise<JobError> {
  if (spec.mode === "upload-to-kv") {
    return loadKeyValues(world, spec, faultOf(world.behaviour, spec, spec.range));
  }
  if (spec.mode === "metadata-upload") {
    return writeMetadata(world, spec, faultOf(world.behaviour, spec, spec.range));
  }
  if (spec.output === null) return null;
  const wanted = await wantedDays(world, spec, spec.output);
  if (wanted.length === 0) return nothingToDo(world, spec, spec.output);
  const path = await world.lake.pathOf(spec.output.table);
  const steps = collapse(wanted).flatMap((range) => stepsOf(range, spec.stepDays));
  const errors: string[] = [];
  for (const step of steps) {
    const error = await writeStep(world, spec, { step, path });
    if (error !== null) errors.push(error);
  }
  const [first] = errors;
  if (first === undefined || steps.length === 1) return first ?? null;
  return `${errors.length} of ${steps.length} steps failed; the first: ${first}`;
}

type Output = NonNullable<JobSpec["output"]>;

const nothing = { days: new Set<Partition>() };

/** Days of the range that would have rows: their inputs are there, and a filling mode lacks them. */
async function wantedDays(
  world: RehearsalWorld,
  spec: JobSpec,
  output: Output,
): Promise<Partition[]> {
  const { days: filled } =
    output.effect === "fills" ? await world.lake.find(output.table) : nothing;
  const inputs = await Promise.all(
    spec.inputs.map(async (input) => ({
      ...input,
      found: await world.lake.find(input.table),
    })),
  );
  return daysIn(spec.range).filter(
    (day) =>
      !filled.has(day) && inputs.every(({ found, range }) => hasInput(found, { spec, day, range })),
  );
}

/**
 * Whether an input has the last partition that a day of the output reads; of an unbounded one, any.
 * The range's end says how far behind the output the input is read. What lies out of reach has it.
 */
function hasInput(
  { days, files, elsewhere }: FoundTable,
  { spec, day, range }: { spec: JobSpec; day: Partition; range: PartitionRange | null },
): boolean {
  if (elsewhere === true) return true;
  if (files !== null) return files.length > 0;
  if (range === null) return days.size > 0;
  const behind = dayOf(spec.range.end) - dayOf(range.end);
  const last = addDays(day, -behind);
  return days.has(last < range.start ? range.start : last);
}

/** An upload throws when its whole table is empty; everything else is silent. */
async function nothingToDo(
  { lake }: RehearsalWorld,
  { mode }: JobSpec,
  { table }: Output,
): Promise<JobError> {
  if (mode !== "upload") return null;
  const { days, files } = await lake.find(table);
  const empty = days.size === 0 && (files?.length ?? 0) === 0;
  return empty ? "rehearsal: GroupBy upload resulted in zero rows" : null;
}

async function writeStep(
  world: RehearsalWorld,
  spec: JobSpec,
  { step, path }: { readonly step: PartitionRange; readonly path: string },
): Promise<JobError> {
  const fault = faultOf(world.behaviour, spec, step);
  const days = daysIn(step);
  const between = step.start === step.end ? step.start : `${step.start}..${step.end}`;
  switch (fault?.does) {
    case "fail":
      return faultText(fault, `failed as told, at ${between}`);
    case "write-nothing":
      return null;
    case "write-half":
      await commitDays(world, spec, {
        path,
        days: days.slice(0, Math.max(1, Math.floor(days.length / 2))),
        share: days.length === 1 ? 0.5 : 1,
      });
      return faultText(fault, `failed as told, half-way through ${between}`);
    case "hang":
    case "vanish":
    case undefined:
      await commitDays(world, spec, { path, days, share: 1 });
      return null;
  }
}

async function commitDays(
  { lake, configs, clock, newId }: RehearsalWorld,
  spec: JobSpec,
  {
    path,
    days,
    share,
  }: { readonly path: string; readonly days: readonly Partition[]; readonly share: number },
): Promise<void> {
  const { jobId, task, run, attempt, output, range } = spec;
  const [first] = days;
  if (output === null || first === undefined) return;
  const whole = output.effect === "rewrites-table";
  const compared = spec.mode === comparing ? await comparedRows(configs, spec) : null;
  const target: DeltaTarget = {
    path,
    partitionColumn: whole ? null : output.column,
    ...(compared === null ? {} : { fields: compared.fields }),
  };
  await commitDelta(lake.store, target, {
    partitions: days.map((partition) => ({
      partition,
      rows: Math.ceil(share * (compared?.rows ?? rowsOf(spec, partition))),
    })),
    ...(compared === null ? {} : { dataFile: compared.dataFile }),
    mode: output.effect === "fills" ? "append" : "overwrite-partitions",
    operation: "WRITE",
    engineInfo,
    txn: { appId: jobId, version: dayOf(first) - dayOf(range.start) },
    commitInfo: { rehearsal: { jobId, task, run, attempt } },
    ...(newId === undefined ? {} : { newId }),
    at: clock.now(),
  });
}

/** The mode whose output Landfall itself reads. */
const comparing = "consistency-metrics-compute";

/** The same number for the same config and day. */
function rowsOf({ config }: JobSpec, partition: Partition): number {
  return 1_000 + Math.floor(9_000 * unitInterval(`${config} ${partition}`));
}
