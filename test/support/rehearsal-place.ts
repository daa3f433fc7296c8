import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { sqliteKeyValueStore } from "../../adapters/embedded/key-value-store.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import {
  type RehearsalRunnerOptions,
  rehearsalRunner,
} from "../../adapters/embedded/rehearsal-runner.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { landByOthers } from "./lake.ts";

/** One commit of a Delta log, as its lines say. */
export interface LoggedCommit {
  readonly info: Readonly<Record<string, unknown>>;
  readonly jobId: string | null;
  /** Added partitions and their rows. */
  readonly adds: readonly { readonly day: string | null; readonly rows: number }[];
  readonly removes: number;
}

/** A lake, an online store and rehearsals over them, all in a folder of their own. */
export interface RehearsalPlace {
  readonly place: string;
  readonly lake: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly flinkState: ObjectStore;
  open(more?: Partial<RehearsalRunnerOptions>): JobRunner;
  /** Days land in a table, written by somebody else. */
  land(path: string, ...days: readonly string[]): Promise<void>;
  /** The commits of the table at a path, oldest first. */
  commits(path: string): Promise<readonly LoggedCommit[]>;
  /** `metaData.id` of the first commit. */
  tableId(path: string): Promise<string>;
  close(): Promise<void>;
}

export function rehearsalPlace(
  behaviour: Partial<RehearsalBehaviour> = {},
  folder = mkdtempSync(join(tmpdir(), "landfall-rehearsal-")),
): RehearsalPlace {
  const lake = directoryObjectStore({ root: join(folder, "lake") });
  const keyValueStore = sqliteKeyValueStore({ file: join(folder, "key-values.db") });
  const flinkState = directoryObjectStore({ root: join(folder, "flink-state") });
  const opened: JobRunner[] = [];
  return {
    place: folder,
    lake,
    keyValueStore,
    flinkState,
    open(more = {}) {
      const runner = rehearsalRunner({
        file: join(folder, "rehearsal.db"),
        behaviour: RehearsalBehaviour.parse({ durationMs: 0, ...behaviour }),
        lake,
        keyValueStore,
        flinkState,
        clock: systemClock(),
        ...more,
      });
      opened.push(runner);
      return runner;
    },
    land: (path, ...days) => landByOthers(lake, path, { days, at: 1 }),
    async commits(path) {
      const objects = await lake.list(`${path}/_delta_log/`);
      return Promise.all(
        objects.map(async ({ name }) => logged((await lake.read(name))?.bytes ?? new Uint8Array())),
      );
    },
    async tableId(path) {
      const object = await lake.read(`${path}/_delta_log/${"0".repeat(20)}.json`);
      const found = /"metaData":\{"id":"([^"]+)"/.exec(Buffer.from(object?.bytes ?? []).toString());
      return found?.[1] ?? "";
    },
    async close() {
      for (const runner of opened) await runner.close();
      await lake.close();
      await flinkState.close();
      await keyValueStore.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Action {
  readonly commitInfo?: Record<string, unknown> & { rehearsal?: { jobId: string } };
  readonly add?: { partitionValues: Record<string, string>; stats: string };
  readonly remove?: object;
}

function logged(bytes: Uint8Array): LoggedCommit {
  const lines = Buffer.from(bytes).toString("utf8").trim().split("\n");
  const actions = lines.map((line) => JSON.parse(line) as Action);
  const info = actions.find((action) => action.commitInfo !== undefined)?.commitInfo ?? {};
  return {
    info,
    jobId: info.rehearsal?.jobId ?? null,
    adds: actions.flatMap(({ add }) =>
      add === undefined
        ? []
        : [
            {
              day: Object.values(add.partitionValues)[0] ?? null,
              rows: (JSON.parse(add.stats) as { numRecords: number }).numRecords,
            },
          ],
    ),
    removes: actions.filter(({ remove }) => remove !== undefined).length,
  };
}
