import { parquetWriteBuffer } from "hyparquet-writer";
import { merge, NEVER, type Observable } from "rxjs";
import { RestlessError } from "../../adapters/simulated/clock.ts";
import { randomOf } from "../../adapters/simulated/random.ts";
import { commitObject, listCommits } from "../../lake/delta-log.ts";
import { commitDelta, type DeltaWrite } from "../../lake/delta-writer.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { tracker } from "../../services/tracker/pipeline.ts";
import { watcher } from "../../services/watcher/pipeline.ts";
import { attemptsCounted, attemptsPath } from "./attempts-record.ts";
import { type FaultOptions, faultsOf } from "./faults.ts";
import type { LiveFile } from "./lake-record.ts";
import { playHand } from "./metadata-workload.ts";
import { type Place, placeOf } from "./place.ts";
import { startProcess } from "./process.ts";
import type { ProcessPorts } from "./process-ports.ts";
import type { TraceEntry } from "./trace.ts";
import { watching } from "./watching.ts";
import { type Change, type Leaving, type Workload, workloadOf } from "./workload.ts";

export interface SimulationOptions extends Pick<FaultOptions, "seed" | "kinds" | "only"> {
  readonly leaving?: Leaving;
  /** Instead of the one that the seed makes. */
  readonly workload?: Workload;
}

export interface Simulated {
  readonly trace: readonly TraceEntry[];
  /** Occurrences of faults that struck. */
  readonly struck: readonly string[];
  /** Processes that died of themselves, and of what; time that does not come on. */
  readonly failures: readonly string[];
}

/** How long everything has to come to rest after the last fault. */
const restMs = 48 * 3_600_000;

const patience = { saveMs: 900_000, patienceMs: 600_000 };

/** Runs a seed's workload through the real services and its faults. The same seed, the same trace. */
export async function simulate(options: SimulationOptions): Promise<Simulated> {
  const { seed, leaving = {} } = options;
  const { workload = workloadOf(seed, leaving) } = options;
  const trace: TraceEntry[] = [];
  const failures: string[] = [];
  const faults = faultsOf({
    ...options,
    told: (fault, words) => record({ kind: "fault", fault, words }),
  });
  const record: Parameters<typeof placeOf>[0]["record"] = (happening) => {
    trace.push({ at: place.time.now(), ...happening });
  };
  const place: Place = placeOf({ seed, workload, faults, record });
  const [first] = workload.releases;
  if (first === undefined) throw new Error("a workload has a release");
  const { settings: set, perMinute } = workload;
  const watched = workload.watching === null ? {} : { watching: workload.watching };
  record({ kind: "begun", settings: set, wanted: first.wanted, perMinute, ...watched });

  await playWorld({ place, workload, seed, record });
  const process = (name: string, nth: number, run: (ports: ProcessPorts) => Observable<unknown>) =>
    startProcess({
      name,
      place,
      faults,
      skewMs: workload.skewsMs[nth] ?? 0,
      run,
      told: (does) => record({ kind: "process", name, does }),
      failed: (cause) =>
        failures.push(
          `${name} died of itself: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
        ),
    });
  const { settings } = workload;
  const shared = { settings, log: silentLog };
  const metadataInto = ({ keyValueStore }: ProcessPorts) =>
    first.wanted.metadata === null ? {} : { metadataInto: keyValueStore };
  const pace = { ...workload.pace, ...patience };
  process("watcher", 0, (ports) => watcher({ ...ports, ...shared, pace }, NEVER));
  for (let nth = 0; nth < workload.dispatchers; nth++) {
    const by = `dispatcher ${nth + 1}`;
    process(by, 1 + nth, (ports) =>
      dispatcher(
        { ...ports, ...shared, ...metadataInto(ports), streamsAt: ports.flinkState, by },
        NEVER,
      ),
    );
  }
  for (let nth = 0; nth < workload.trackers; nth++) {
    const name = `tracker ${nth + 1}`;
    const names = randomOf(seed, `files of ${name}`);
    const beside = (ports: ProcessPorts) =>
      workload.watching === null
        ? NEVER
        : watching(ports, { newId: () => names.id(), settings, watching: workload.watching });
    process(name, 4 + nth, (ports) =>
      merge(tracker({ ...ports, ...shared }, NEVER), beside(ports)),
    );
  }
  try {
    await place.time.runUntil(workload.faultsEnd);
    faults.end();
    record({ kind: "faults-over" });
    await place.time.runUntil(workload.faultsEnd + restMs);
  } catch (cause) {
    if (!(cause instanceof RestlessError)) throw cause;
    failures.push(cause.message);
  }
  if (workload.watching !== null) {
    record(await attemptsCounted(place.openLake(), place.lakeRecord.all(attemptsPath)));
  }
  const ticks = (body: string) => body.includes('"kind":"tick"');
  record({
    kind: "ended",
    unacked: place.bus.unacked().filter((body) => !ticks(body)).length,
    deadLetters: (await place.bus.open().deadLetters(100)).map(({ reason }) => reason),
  });
  return { trace, struck: faults.struck(), failures };
}

interface Playing {
  readonly place: Place;
  readonly workload: Workload;
  readonly seed: number;
  readonly record: Parameters<typeof placeOf>[0]["record"];
}

/** Everything that comes from outside: data, releases, commands. History is there at once. */
async function playWorld(playing: Playing): Promise<void> {
  const { place, workload, seed, record } = playing;
  const names = randomOf(seed, "foreign names");
  const newId = () => names.id();
  const lake = place.openLake();
  const columnOf = (table: string) => workload.columns?.get(table) ?? "ds";
  const write = foreignWriter({ place, lake, newId, columnOf });
  for (const change of workload.changes) {
    if (change.at < workload.start) await write(change);
    else place.time.at(change.at, () => void write(change));
  }
  const publisher = place.bus.open();
  const configs = place.configs.open();
  workload.releases.forEach(({ at, files, wanted }, nth) => {
    place.time.at(at, () => {
      void writeRelease(configs, files).then((release) => {
        if (nth > 0) record({ kind: "released", release, wanted });
        return publisher.publish([{ kind: "configs-released", schema: 1, release }]);
      });
    });
  });
  const runner = place.jobs.open();
  workload.foreignStreams.forEach(({ config, at, until }, nth) => {
    const spec = foreignStream(config, { at, nth });
    place.time.at(at, () => void runner.submit(spec));
    place.time.at(until, () => void runner.cancel(spec.jobId));
  });
  const online = place.openKeyValues(null);
  for (const hand of workload.hands) {
    place.time.at(hand.at, () => void playHand(online, hand));
  }
  for (const command of workload.commands) {
    place.time.at(command.at, () => {
      record({ kind: "commanded", command });
      void publisher.publish([command]);
    });
  }
}

/** A job that somebody begins by hand. */
function foreignStream(config: string, { at, nth }: { at: number; nth: number }): JobSpec {
  const day = new Date(at).toISOString().slice(0, 10);
  return {
    jobId: `somebody-${nth}`,
    task: `${config}/streaming@${day}`,
    run: 1,
    attempt: 1,
    config,
    confType: "group_bys",
    team: "somebody",
    mode: "streaming",
    range: { start: day, end: day },
    conf: "",
    confPath: "",
    env: {},
    execution: { properties: {} },
    output: null,
    inputs: [],
    stepDays: 1,
    timeoutMs: 1_000 * 3_600_000,
  };
}

interface Writing {
  readonly place: Place;
  readonly lake: ReturnType<Place["openLake"]>;
  readonly newId: () => string;
  readonly columnOf: (table: string) => string;
}

function foreignWriter(writing: Writing): (change: Change) => Promise<void> {
  const { place, lake, newId, columnOf } = writing;
  const write = ({ table, day }: Change, how: Pick<DeltaWrite, "mode" | "dataFile">) =>
    commitDelta(
      lake,
      { path: pathOf(table), partitionColumn: columnOf(table) },
      {
        partitions: [{ partition: day, rows: 10 }],
        ...how,
        operation: "WRITE",
        engineInfo: "somebody else",
        newId,
        at: place.time.now(),
      },
    );
  const append = (change: Change) => write(change, { mode: "append" });
  return async (change) => {
    const path = pathOf(change.table);
    switch (change.does) {
      case "append":
        return void (await append(change));
      case "recompute":
        if (place.lakeRecord.files(path, change.day).length === 0) return;
        return void (await write(change, { mode: "overwrite-partitions", dataFile: comparedFile }));
      case "delete":
        return removeDay(place, lake, change);
      case "drop":
        place.dropTable(path);
        return void (await append(change));
      case "recreate":
        return replaceTable(writing, change);
    }
  };
}

/** An hour of a consistency table in which nothing differed. */
function comparedFile(): Uint8Array {
  const counts = { both_null_sum: 0, left_null_sum: 0, mismatch_sum: 0, right_null_sum: 0 };
  const columnData = Object.entries({ ...counts, total_count: 60 }).map(([of, count]) => ({
    name: `feature_${of}`,
    data: [BigInt(count)],
    type: "INT64" as const,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

function pathOf(table: string): string {
  return table.replace(".", "/");
}

async function nextVersion(lake: ReturnType<Place["openLake"]>, path: string): Promise<number> {
  return ((await listCommits(lake, path)).at(-1)?.version ?? -1) + 1;
}

function removal({ path, partitionValues }: LiveFile, at: number): object {
  const more = { dataChange: true, extendedFileMetadata: true, size: 1_000 };
  return { remove: { path, deletionTimestamp: at, partitionValues, ...more } };
}

/** DELETE FROM the day, as Delta writes it. */
async function removeDay(
  place: Place,
  lake: ReturnType<Place["openLake"]>,
  { table, day }: Change,
): Promise<void> {
  const path = pathOf(table);
  const files = place.lakeRecord.files(path, day);
  if (files.length === 0) return;
  const at = place.time.now();
  const actions = [
    { commitInfo: { timestamp: at, operation: "DELETE" } },
    ...files.map((file) => removal(file, at)),
  ];
  const body = actions.map((action) => JSON.stringify(action)).join("\n");
  await lake.write(commitObject(path, await nextVersion(lake, path)), Buffer.from(body));
}

/** CREATE OR REPLACE TABLE: the same log goes on with another `metaData.id`, and no rows. */
async function replaceTable(
  { place, lake, newId, columnOf }: Writing,
  change: Change,
): Promise<void> {
  const path = pathOf(change.table);
  const version = await nextVersion(lake, path);
  if (version === 0) return;
  const at = place.time.now();
  const column = columnOf(change.table);
  const fields = ["row", column].map((name) => ({
    name,
    type: "string",
    nullable: true,
    metadata: {},
  }));
  const metaData = {
    id: newId(),
    format: { provider: "parquet", options: {} },
    schemaString: JSON.stringify({ type: "struct", fields }),
    partitionColumns: [column],
    configuration: {},
    createdTime: at,
  };
  const removes = place.lakeRecord.all(path).map((file) => removal(file, at));
  const actions = [
    { commitInfo: { timestamp: at, operation: "CREATE OR REPLACE TABLE" } },
    { metaData },
    ...removes,
  ];
  const body = actions.map((action) => JSON.stringify(action)).join("\n");
  await lake.write(commitObject(path, version), Buffer.from(body));
}
