import { lastValueFrom, Subject } from "rxjs";
import { openSimulated } from "../../adapters/simulated/open.ts";
import type { JobRunner, JobSpec, StreamJobs } from "../../ports/job-runner.ts";
import type { Log } from "../../ports/log.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { FlinkState } from "../../ports/world.ts";
import { writeRelease } from "../../releases/release.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import type { StreamDocument } from "../../schemas/streams.ts";
import { plansOf } from "../../services/dispatcher/plans.ts";
import { type StreamKeeper, streamKeeper } from "../../services/dispatcher/streams/keeper.ts";
import { events, file, groupBy } from "./configs.ts";
import { task } from "./documents.ts";
import { servedBy } from "./streams.ts";
import { put } from "./task-stores.ts";

/** A GroupBy with a topic; its content differs by a word. */
export function streamFile(config: string, word = "1", more: object = {}) {
  const sources = [events("data.events", {}, { topic: `kafka://${config}` })];
  const metaData = { online: 1, description: word, ...more };
  return file("group_bys", groupBy(config, { sources }, metaData));
}

/** Ports that the calls of one keeper go through. */
export interface KeeperPorts {
  readonly store: TaskStore;
  readonly runner: Pick<JobRunner, "submit" | "cancel">;
  readonly streams: StreamJobs;
  readonly state: FlinkState["store"];
}

export interface StreamsPlaceOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly behaviour?: Readonly<Record<string, unknown>>;
}

/** A simulated world in which streams run, and keepers of them live and die. */
export function streamsPlace(options: StreamsPlaceOptions = {}) {
  const settings = Settings.parse({ tickMs: 1_000, ...options.settings });
  const world = openSimulated({
    start: Date.parse("2025-10-02T12:00:00Z"),
    seed: 1,
    settings,
    behaviour: RehearsalBehaviour.parse({ durationMs: 30_000, ...options.behaviour }),
  });
  const { store, configs, keyValueStore, clock, runner } = world;
  if (runner.streams === null) throw new Error("the simulated world runs no streams");
  const told: string[] = [];
  const log: Log = {
    info: (_fields, message) => void told.push(message),
    warn: (fields, message) =>
      void told.push(`${message}: ${(fields as { reason?: string }).reason}`),
    error: (fields, message) =>
      void told.push(`ERROR ${message}: ${(fields as { reason?: string }).reason}`),
  };
  const submitted: JobSpec[] = [];
  const cancelled: string[] = [];
  const observed: JobRunner = {
    ...runner,
    async submit(spec) {
      const answer = await runner.submit(spec);
      if (answer.kind === "accepted") submitted.push(spec);
      return answer;
    },
    cancel(jobId) {
      cancelled.push(jobId);
      return runner.cancel(jobId);
    },
  };
  const state = world.flinkState(undefined)?.store;
  if (state === undefined) throw new Error("the simulated world has no place for state");
  const releases = plansOf({ store, configs, settings, clock });
  const own: KeeperPorts = { store, runner: observed, streams: runner.streams, state };
  return {
    ...world,
    settings,
    told,
    submitted,
    cancelled,
    own,
    async release(...files: readonly { path: string; text: string }[]): Promise<void> {
      await releases.release(await writeRelease(configs, files));
    },
    /** An upload-to-kv of the GroupBy succeeds. */
    async serve(config: string): Promise<void> {
      await keyValueStore.write(...servedBy(config));
      const id = `${config}/upload-to-kv@2025-10-01`;
      const succeeded = { kind: "succeeded", run: 1, at: clock.now(), remark: null } as const;
      await put(store, `tasks/${id}`, task(id, { state: succeeded }));
    },
    /** Starts a keeper; answers it, and how to stop it. */
    start(by: string, ports: KeeperPorts = own): StreamKeeper & { stop(): Promise<void> } {
      const stop = new Subject<void>();
      const plans = plansOf({ ...ports, configs, settings, clock });
      // What the decisions beside it do now and then.
      const read = clock.every(settings.tickMs).subscribe(() => {
        plans.refresh().catch(() => {});
      });
      const { state: lying, ...rest } = ports;
      const flinkState = (uri: string | undefined) => ({ uri: uri ?? "memory:", store: lying });
      const keeper = streamKeeper({ ...rest, flinkState, plans, settings, clock, log, by });
      const done = lastValueFrom(keeper.keep(stop), { defaultValue: undefined });
      return {
        ...keeper,
        async stop() {
          stop.next();
          read.unsubscribe();
          await done;
        },
      };
    },
    async pass(ms: number): Promise<void> {
      await clock.runUntil(clock.now() + ms);
    },
    async stream(config: string): Promise<StreamDocument | null> {
      const read = await store.read([`streams/${config}`]);
      return (read.get(`streams/${config}`)?.body ?? null) as StreamDocument | null;
    },
    /** Ids of jobs that run now. */
    async running(): Promise<string[]> {
      return ((await runner.streams?.running()) ?? []).map(({ jobId }) => jobId);
    },
  };
}

export type StreamsPlace = ReturnType<typeof streamsPlace>;
