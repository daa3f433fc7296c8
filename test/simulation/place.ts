import { rehearsalLake } from "../../adapters/rehearsal/lake.ts";
import type { RehearsalWorld } from "../../adapters/rehearsal/world.ts";
import { type SimulatedBus, simulatedBus } from "../../adapters/simulated/bus.ts";
import { type SimulatedTime, simulatedTime } from "../../adapters/simulated/clock.ts";
import { type SimulatedJobs, simulatedJobs } from "../../adapters/simulated/job-runner.ts";
import { simulatedKeyValueStore } from "../../adapters/simulated/key-value-store.ts";
import {
  type SimulatedObjectStore,
  simulatedObjectStore,
} from "../../adapters/simulated/object-store.ts";
import { randomOf } from "../../adapters/simulated/random.ts";
import { simulatedTaskStore } from "../../adapters/simulated/task-store.ts";
import type { Notice } from "../../ports/alerts.ts";
import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { LandfallEvent } from "../../schemas/events.ts";
import type { TableName } from "../../schemas/ids.ts";
import { type SimulatedDataproc, simulatedDataproc } from "./dataproc.ts";
import type { Faults } from "./faults.ts";
import { type LakeRecord, lakeRecord } from "./lake-record.ts";
import { metadataRecord, uploadRecord } from "./metadata-record.ts";
import { type Pushing, pushing } from "./push.ts";
import { servingRecord } from "./serving-record.ts";
import { streamRecord } from "./stream-record.ts";
import type { Happening } from "./trace.ts";
import { eventInWords } from "./words.ts";
import type { Workload } from "./workload.ts";

/** Where everything happens, and what records that it did. */
export interface Place {
  readonly time: SimulatedTime;
  readonly bus: SimulatedBus;
  readonly configs: SimulatedObjectStore;
  readonly jobs: SimulatedJobs;
  readonly lakeRecord: LakeRecord;
  openStore(by: string): TaskStore;
  /** The online store; `by` null: as somebody else has it open. */
  openKeyValues(by: string | null): KeyValueStore;
  openLake(): ObjectStore;
  openFlinkState(): ObjectStore;
  dropTable(path: string): void;
  /** Publishes events as a network carries them: some twice, some late, and a few reports never. */
  carry(events: readonly LandfallEvent[], faults: Faults): void;
  isOut(port: string): boolean;
  /** Null: jobs are at `jobs` itself. */
  readonly dataproc: SimulatedDataproc | null;
  /** Null: events are pulled. */
  readonly push: Pushing | null;
  /** Whether at this time nobody is told what jobs write. */
  isUntold(table: TableName): boolean;
  readonly workload: Workload;
  /** A route took a notice. */
  told(route: string, notice: Notice): void;
  /** A status as it is told: a lost job has vanished for everybody. */
  asTold(status: JobStatus): JobStatus;
}

export interface PlaceOptions {
  readonly seed: number;
  readonly workload: Workload;
  readonly faults: Faults;
  readonly record: (happening: Happening) => void;
}

function ofState(outage: Workload["outages"][number]): Workload["outages"][number] {
  return { ...outage, port: "flink-state" };
}

/** Tables that steps of any release write. */
function writtenTables({ releases }: Workload): ReadonlySet<TableName> {
  const tables = releases.flatMap(({ wanted }) => wanted.tables);
  return new Set(tables.flatMap(({ name, writer }) => (writer === null ? [] : [name])));
}

/** Some twenty times of what happens in a busy workload. */
const happeningsMax = 2_000_000;

export function placeOf({ seed, workload, faults, record }: PlaceOptions): Place {
  const random = randomOf(seed, "pauses");
  const time = simulatedTime({ start: workload.start, random, happeningsMax });
  const bus = simulatedBus({ clock: time });
  const publisher = bus.open();
  const lake = simulatedObjectStore({ clock: time });
  const configs = simulatedObjectStore({ clock: time });
  const keyValues = simulatedKeyValueStore();
  const store = simulatedTaskStore();
  const lakeRecorded = lakeRecord(record);
  const lost = new Map<string, boolean>();
  const flinkState = simulatedObjectStore({ clock: time });
  const names = randomOf(seed, "names");
  const outages = [
    ...workload.outages,
    ...workload.stateOutages.map(ofState),
    ...(workload.watching?.outages ?? []),
  ];
  let commits = 0;

  const openLake = (): ObjectStore => lakeRecorded.over(lake.open());
  const isLost = (status: JobStatus): boolean => {
    if (status.state !== "succeeded" && status.state !== "failed") return false;
    const known =
      lost.get(status.jobId) ??
      faults.strikes(
        "job-lost-after-writing",
        `the job of ${status.task} run ${status.run} attempt ${status.attempt}`,
      );
    lost.set(status.jobId, known);
    return known;
  };
  const asTold = (status: JobStatus): JobStatus =>
    isLost(status)
      ? { ...status, state: "vanished", error: "the job was lost", blame: "infrastructure" }
      : status;

  const world: RehearsalWorld = {
    lake: rehearsalLake(slow(openLake(), time, faults), workload.settings.tables),
    keyValueStore: servingRecord(record, faults, keyValues.open()),
    configs: configs.open(),
    flinkState: slow(
      streamRecord(record, (prefix) => flinkState.remove(prefix)).over(flinkState.open()),
      time,
      faults,
    ),
    clock: time,
    behaviour: workload.behaviour,
    newId: () => names.id(),
  };
  const worldOf = (spec: JobSpec): RehearsalWorld =>
    spec.mode === "metadata-upload"
      ? { ...world, keyValueStore: uploadRecord({ record, faults }, keyValues.open(), spec) }
      : world;

  const jobs = simulatedJobs({
    world,
    worldOf,
    ...(workload.perMinute === null
      ? {}
      : { lane: { name: "everything", perMinute: workload.perMinute } }),
    cancelMs: ({ jobId }) => randomOf(seed, `cancel ${jobId}`).between(0, 300_000),
    told(spec, status) {
      const { jobId, task, run, attempt } = spec;
      dataproc?.told(spec, asTold(status));
      const from = spec.mode === "streaming" ? { from: spec.savepoint ?? null } : {};
      if (status.state === "running") {
        record({ kind: "job-begun", jobId, task, run, attempt, ...from });
      }
      if (status.state !== "running" && status.state !== "pending") {
        record({ kind: "job-ended", jobId, state: asTold(status).state as "succeeded" });
      }
    },
  });

  const isOut = (port: string) =>
    outages.some(
      (outage) => outage.port === port && outage.from <= time.now() && time.now() < outage.until,
    );
  const written = writtenTables(workload);
  const isUntold = (table: TableName) =>
    workload.dataproc?.onlyLists === true && time.now() < workload.faultsEnd && written.has(table);
  const dataproc =
    workload.dataproc === null
      ? null
      : simulatedDataproc({
          workload: workload.dataproc,
          faultsEnd: workload.faultsEnd,
          time,
          faults,
          runner: jobs.open(),
        });

  return {
    time,
    bus,
    dataproc,
    push:
      workload.push === null
        ? null
        : pushing({ bus: bus.open(), time, faults, ...workload.push, isOut: () => isOut("bus") }),
    isUntold,
    configs,
    jobs,
    lakeRecord: lakeRecorded,
    openLake,
    openFlinkState: () => flinkState.open(),
    openKeyValues: (by) => metadataRecord(record, keyValues.open(), by),
    openStore(by) {
      const inner = store.open();
      return {
        ...inner,
        async commit(changes) {
          const answer = await inner.commit(changes);
          if (answer.kind !== "committed" || changes.writes.length === 0) return answer;
          commits += 1;
          for (const { id, body } of changes.writes) {
            record({ kind: "stored", commit: commits, by, id, body });
          }
          return answer;
        },
      };
    },
    dropTable(path) {
      lake.remove(`${path}/`);
      lakeRecorded.dropped(path);
    },
    carry(events, striking) {
      for (const event of events) {
        const where = eventInWords(event);
        const send = () => void publisher.publish([event]);
        if (event.kind === "partition-landed" && isUntold(event.table)) {
          time.at(workload.faultsEnd, send);
          continue;
        }
        if (event.kind === "job-settled" && striking.strikes("report-lost", where)) continue;
        if (striking.strikes("event-doubled", where)) send();
        if (!striking.strikes("event-late", where)) send();
        else time.at(time.now() + striking.drawn(where, 1_000, 10_800_000), send);
      }
    },
    isOut,
    asTold,
    told(route, { alias, change, count }) {
      record({ kind: "told", route, alert: alias.slice(alias.indexOf(":") + 1), change, count });
    },
    workload,
  };
}

/** A lake over a network: a job takes a while between two of its writes. */
function slow(inner: ObjectStore, time: SimulatedTime, faults: Faults): ObjectStore {
  // Data files have random names, which are no place.
  const folder = (name: string) => name.slice(0, name.lastIndexOf("/"));
  const taking = async <T>(what: string, mostMs: number, effect: () => Promise<T>): Promise<T> => {
    await time.sleep(faults.drawn(`a job ${what}`, 0, mostMs));
    return effect();
  };
  return {
    ...inner,
    read: (name) => taking(`reads from ${folder(name)}`, 20, () => inner.read(name)),
    list: (prefix, options) => taking(`lists ${prefix}`, 20, () => inner.list(prefix, options)),
    write: (name, bytes, options) =>
      taking(`writes to ${folder(name)}`, 5_000, () => inner.write(name, bytes, options)),
  };
}
