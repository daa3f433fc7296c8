import { lastValueFrom, Subject } from "rxjs";
import { openSimulated } from "../../adapters/simulated/open.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { writeRelease } from "../../releases/release.ts";
import type { MetadataDocument, MetadataRowsDocument } from "../../schemas/metadata.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { metadataKeeper } from "../../services/dispatcher/metadata/uploads.ts";
import { plansOf } from "../../services/dispatcher/plans.ts";
import { file, join } from "./configs.ts";

export const table = "CHRONON_METADATA";

/** Joins by name, each with a word that its content differs by. */
export type Joins = Readonly<Record<string, string>>;

export function joinFiles(joins: Joins): { path: string; text: string }[] {
  return Object.entries(joins).map(([name, word]) =>
    file("joins", join(name, {}, { description: word })),
  );
}

/** Ports that a call of one uploader goes through. */
export interface UploaderPorts {
  readonly store: TaskStore;
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
}

/** A simulated world in which configs are released and uploaders live and die. */
export function metadataPlace(more: Readonly<Record<string, unknown>> = {}) {
  const settings = Settings.parse({ tickMs: 1_000, ...more });
  const world = openSimulated({
    start: Date.parse("2025-10-02T12:00:00Z"),
    seed: 1,
    settings,
    behaviour: RehearsalBehaviour.parse({}),
  });
  const { store, configs, keyValueStore, clock } = world;
  const told: string[] = [];
  const log: Log = {
    info: (_fields, message) => void told.push(message),
    warn: (fields, message) =>
      void told.push(`${message}: ${(fields as { reason?: string }).reason}`),
    error: (_fields, message) => void told.push(message),
  };
  const releases = plansOf({ store, configs, settings, clock });
  const head = async (): Promise<MetadataDocument | null> => {
    const read = await store.read(["metadata/current"]);
    return read.get("metadata/current")?.body as MetadataDocument | null;
  };
  return {
    ...world,
    settings,
    told,
    head,
    /** Makes configs current; dispatchers elsewhere find out by themselves. */
    async release(joins: Joins): Promise<void> {
      await releases.release(await writeRelease(configs, joinFiles(joins)));
    },
    /** Starts an uploader; answers how to stop it. Its ports may be others than the world's. */
    start(by: string, ports: UploaderPorts = { store, configs, keyValueStore }) {
      const stop = new Subject<void>();
      const plans = plansOf({ ...ports, settings, clock });
      // What the decisions beside it do now and then.
      const read = clock.every(settings.tickMs).subscribe(() => {
        plans.refresh().catch(() => {});
      });
      const keeper = metadataKeeper({ ...ports, plans, settings, clock, log, by });
      const done = lastValueFrom(keeper.keep(stop), { defaultValue: undefined });
      return {
        /** As by SIGTERM: what was begun is finished. */
        async stop(): Promise<void> {
          stop.next();
          read.unsubscribe();
          await done;
        },
        nudge: () => keeper.nudge(),
        /** As by SIGKILL, once its ports never answer. */
        forget() {
          read.unsubscribe();
          stop.next();
        },
      };
    },
    async pass(ms: number): Promise<void> {
      await clock.runUntil(clock.now() + ms);
    },
    /** Words of the joins that lie in the table, by name, of those asked for. */
    async served(names: readonly string[]): Promise<Joins> {
      const keys = names.map((name) => metadataRowKey(table, `joins/${name}`));
      const cells = await keyValueStore.read(table, keys);
      return Object.fromEntries(
        cells.map(({ key, value }) => {
          const conf = JSON.parse(Buffer.from(value).toString("utf8")) as {
            metaData: { description: string };
          };
          const [, name = ""] = Buffer.from(key).toString("utf8").split("#joins/");
          return [name, conf.metaData.description];
        }),
      );
    },
    /** The ledger's rows, by key. */
    async rows(): Promise<MetadataRowsDocument["rows"]> {
      const pages = (await head())?.pages ?? [];
      const read = await store.read(pages.map((page) => `metadata-rows/${page}` as const));
      return Object.assign(
        {},
        ...[...read.values()].map(({ body }) => (body as MetadataRowsDocument).rows),
      ) as MetadataRowsDocument["rows"];
    },
  };
}

export type MetadataPlace = ReturnType<typeof metadataPlace>;
