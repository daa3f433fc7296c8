import { mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { bringsNews } from "../../core/lake-layout.ts";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { Log } from "../../ports/log.ts";
import type { World } from "../../ports/world.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import type { Settings } from "../../schemas/settings.ts";
import type { ZiplineSettings } from "../../schemas/zipline.ts";
import { sqliteBus } from "./bus.ts";
import { systemClock } from "./clock.ts";
import { sqliteKeyValueStore } from "./key-value-store.ts";
import { directoryObjectStore } from "./object-store.ts";
import { processRunner } from "./process-runner.ts";
import { rehearsalRunner } from "./rehearsal-runner.ts";
import { sqliteTaskStore } from "./task-store.ts";

/** Where the embedded world keeps what, below its data folder. */
export function filesOf(data: string) {
  return {
    lock: join(data, "up.lock"),
    state: join(data, "state.db"),
    bus: join(data, "bus.db"),
    keyValues: join(data, "key-values.db"),
    rehearsal: join(data, "rehearsal.db"),
    jobs: join(data, "jobs"),
    configs: join(data, "configs"),
    flinkState: join(data, "flink-state"),
  } as const;
}

export type RunnerChoice =
  | { readonly kind: "rehearsal"; readonly behaviour: RehearsalBehaviour }
  | { readonly kind: "process"; readonly command: string | ZiplineSettings };

/** What the settings leave to the runner: commands load online stores that nobody here can read. */
export function settingsFor(settings: Settings, runner: RunnerChoice): Settings {
  const servingInfo = runner.kind === "process" ? "believe" : "read";
  return { servingInfo, ...settings };
}

export interface EmbeddedOptions {
  readonly data: string;
  readonly lake: string;
  readonly runner: RunnerChoice;
  readonly settings: Settings;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Opens the ports of the embedded world on two folders, made when they are not there. */
export function openEmbedded(options: EmbeddedOptions): World {
  const files = filesOf(options.data);
  for (const folder of [options.data, options.lake, files.jobs, files.configs, files.flinkState]) {
    makeFolder(folder);
  }
  const clock = options.clock ?? systemClock();
  const bus = sqliteBus({ file: files.bus });
  const store = sqliteTaskStore({ file: files.state });
  const { settings, log } = options;
  const lake = directoryObjectStore({
    root: options.lake,
    watched: bringsNews,
    warn: (message) => log.warn({}, message),
  });
  const configs = directoryObjectStore({ root: files.configs });
  const keyValueStore = sqliteKeyValueStore({ file: files.keyValues });
  const flinkState = directoryObjectStore({ root: files.flinkState });
  const runner =
    options.runner.kind === "process"
      ? processRunner({
          folder: files.jobs,
          command: options.runner.command,
          configs: files.configs,
          clock,
          log,
        })
      : rehearsalRunner({
          file: files.rehearsal,
          behaviour: options.runner.behaviour,
          lake,
          keyValueStore,
          clock,
          configs,
          flinkState,
          tables: settings.tables,
          log: { info() {}, warn: (fields, message) => log.warn(fields, message) },
        });
  return {
    bus,
    store,
    lake,
    configs,
    keyValueStore,
    runner,
    flinkState: () => ({ uri: files.flinkState, store: flinkState }),
    clock,
    async close() {
      const stores = [lake, configs, flinkState, keyValueStore, store];
      for (const port of [runner, bus, ...stores]) await port.close();
    },
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const { code } = cause as { code?: string };
    const why =
      code === "EEXIST" || code === "ENOTDIR"
        ? "there is a file of that name; name another folder"
        : "make it, or a folder above it, writable for this user";
    throw new PermanentError(`cannot make the folder ${folder}: ${why}`, { cause });
  }
}

/**
 * Takes a data folder for this process alone; the kernel gives it back when the process dies,
 * however it dies. Throws `PermanentError` when another process has it.
 */
export function lockData(data: string): { release(): void } {
  makeFolder(data);
  let database: Database.Database;
  try {
    database = new Database(filesOf(data).lock, { timeout: 0 });
  } catch (cause) {
    throw new PermanentError(`cannot write in ${data}: make it writable for this user`, { cause });
  }
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  } catch (cause) {
    database.close();
    throw new PermanentError(
      `another landfall up uses ${data}; stop it first, or give this one its own --data folder`,
      { cause },
    );
  }
  return {
    release() {
      database.exec("ROLLBACK");
      database.close();
    },
  };
}
