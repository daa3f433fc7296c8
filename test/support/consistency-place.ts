import { parquetWriteBuffer } from "hyparquet-writer";
import { lastValueFrom, NEVER, Subject } from "rxjs";
import { openSimulated } from "../../adapters/simulated/open.ts";
import { commitDelta, type DeltaWrite } from "../../lake/delta-writer.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import type { ConsistencyDocument } from "../../schemas/consistency.ts";
import type { TaskId } from "../../schemas/ids.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import type { DispatcherPorts } from "../../services/dispatcher/dispatching.ts";
import { dispatcher } from "../../services/dispatcher/pipeline.ts";
import { file, join } from "./configs.ts";

export const day = "2025-09-30";
const table = "out.risk_checkout_consistency";

export const settings = Settings.parse({
  externalClosing: { when: "at-landing" },
  consistency: { logTable: "logs.requests", schemaTable: "logs.schemas" },
  tickMs: 1_000,
});

/** Counts of a feature in one hour; what is left out is 0. */
export type Counts = Readonly<
  Partial<Record<"both_null" | "left_null" | "mismatch" | "right_null" | "total", number | null>>
>;

/** A file of a consistency table: hours, each with its features. */
export function hoursFile(hours: readonly Readonly<Record<string, Counts>>[]): Uint8Array {
  const features = [...new Set(hours.flatMap((hour) => Object.keys(hour)))];
  const column = (feature: string, of: keyof Counts) => ({
    name: `${feature}_${of}_${of === "total" ? "count" : "sum"}`,
    data: hours.map((hour) => {
      const count = hour[feature] === undefined ? null : (hour[feature]?.[of] ?? 0);
      return count === null ? null : BigInt(count);
    }),
    type: "INT64" as const,
  });
  const columnData = [
    { name: "JoinPath", data: hours.map(() => "risk.checkout"), type: "STRING" as const },
    ...features.flatMap((feature) =>
      (["both_null", "left_null", "mismatch", "right_null", "total"] as const).map((of) =>
        column(feature, of),
      ),
    ),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

/** A simulated world in which the check of the join `risk.checkout` is released, and dispatchers. */
export async function consistencyPlace() {
  const world = openSimulated({
    start: Date.parse("2025-10-01T06:00:00Z"),
    seed: 1,
    settings,
    behaviour: RehearsalBehaviour.parse({ durationMs: 1_000 }),
  });
  const { lake, bus, store, clock } = world;
  const sampled = { online: 1, samplePercent: 100, consistencySamplePercent: 100 };
  const files = [file("joins", join("risk.checkout", {}, sampled))];
  const release = await writeRelease(world.configs, files);
  await bus.publish([{ kind: "configs-released", schema: 1, release }]);
  // As a watcher does.
  const ticks = clock.every(10_000).subscribe((at) => {
    void bus.publish([{ kind: "tick", schema: 1, at }]);
  });
  let landings = 0;
  const landed = (name: string) =>
    bus.publish([
      {
        kind: "partition-landed",
        schema: 1,
        table: name,
        partition: day,
        landing: {
          state: "landed",
          version: { epoch: 0, n: ++landings },
          at: clock.now(),
          seenBy: "delta",
        },
        backlog: false,
      },
    ]);
  return {
    ...world,
    landed,
    async close() {
      ticks.unsubscribe();
      await world.close();
    },
    /** A day of the consistency table is written, and lands. */
    async computed(bytes: Uint8Array, mode: DeltaWrite["mode"] = "overwrite-partitions") {
      await commitDelta(
        lake,
        { path: table.replace(".", "/"), partitionColumn: "ds" },
        {
          partitions: [{ partition: day, rows: 1 }],
          mode,
          operation: "WRITE",
          engineInfo: "somebody else",
          dataFile: () => bytes,
          at: clock.now(),
        },
      );
      await landed(table);
    },
    /** Starts a dispatcher, some of whose ports may be others than the world's. */
    start(by: string, ports: Partial<DispatcherPorts> = {}) {
      const stop = new Subject<void>();
      const all = { ...world, settings, log: silentLog, by, ...ports };
      const done = lastValueFrom(dispatcher(all, stop), { defaultValue: undefined });
      return { stop: () => stop.next(), done };
    },
    /** Starts a dispatcher that is never told to stop, as one that is killed. */
    abandon(by: string, ports: Partial<DispatcherPorts>) {
      const all = { ...world, settings, log: silentLog, by, ...ports };
      return dispatcher(all, NEVER).subscribe();
    },
    pass: (ms: number) => clock.runUntil(clock.now() + ms),
    async task(mode: string): Promise<Task | null> {
      const id: TaskId = `risk.checkout/${mode}@${day}`;
      return (await store.read([`tasks/${id}`])).get(`tasks/${id}`)?.body as Task | null;
    },
    async published(): Promise<ConsistencyDocument | null> {
      const id = `consistency/risk.checkout@${day}` as const;
      return (await store.read([id])).get(id)?.body as ConsistencyDocument | null;
    },
  };
}

export type ConsistencyPlace = Awaited<ReturnType<typeof consistencyPlace>>;
