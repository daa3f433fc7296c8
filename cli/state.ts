import { existsSync } from "node:fs";
import { Option } from "commander";
import { sqliteBus } from "../adapters/embedded/bus.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { filesOf } from "../adapters/embedded/open.ts";
import { sqliteTaskStore } from "../adapters/embedded/task-store.ts";
import { type Deciding, noLanes } from "../core/deciding.ts";
import { draftOver, type Known, Unread } from "../core/draft.ts";
import { turnsOver } from "../core/lanes.ts";
import { indexPlan } from "../core/plan-index.ts";
import type { Bus } from "../ports/bus.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { TaskStore } from "../ports/task-store.ts";
import { currentPlan, readPlan } from "../releases/stored-plan.ts";
import type { Deployment } from "../schemas/deployment.ts";
import type { DocumentId } from "../schemas/documents.ts";
import type { Plan } from "../schemas/plan.ts";
import { UsageError } from "./errors.ts";
import { linesLog } from "./lines-log.ts";
import { readSettings } from "./settings.ts";

/** Which Landfall a command is about. */
export interface StateOptions {
  readonly data?: string;
  readonly settings?: string;
}

/** `--data DIR`: where `landfall up` keeps its state. */
export function dataOption(): Option {
  return new Option("--data <dir>", "folder of Landfall's state (default: .landfall/data)");
}

/** `--settings FILE`: which world it is, and where. */
export function settingsOption(): Option {
  return new Option("--settings <file>", "settings of the deployment, JSON").env(
    "LANDFALL_SETTINGS",
  );
}

/** A Landfall that runs or ran, on this machine or on Google Cloud, as its readers see it. */
export interface State {
  readonly store: TaskStore;
  readonly settings: Deployment;
  /** Holds releases and plans. */
  readonly configs: () => ObjectStore;
  readonly bus: () => Bus;
  /** For people: which one it is. */
  readonly name: string;
}

/** Opens the state of a Landfall, uses it, and closes it. */
export async function withState<T>(
  options: StateOptions,
  use: (state: State) => Promise<T>,
): Promise<T> {
  const read = readSettings(options.settings);
  const settings = options.data === undefined ? read : { ...read, data: options.data };
  const state =
    settings.world === "gcp" ? await googleCloudState(settings) : embeddedState(settings);
  try {
    return await use(state);
  } finally {
    await state.close();
  }
}

interface Closeable {
  close(): Promise<void>;
}

function embeddedState(settings: Deployment): State & Closeable {
  const { data } = settings;
  const files = filesOf(data);
  if (!existsSync(files.state)) {
    throw new UsageError(
      `no Landfall state in ${data}; start one with "landfall up", or name it with --data`,
    );
  }
  const opened: Closeable[] = [];
  const kept = <Port extends Closeable>(port: Port): Port => {
    opened.push(port);
    return port;
  };
  return {
    store: kept(sqliteTaskStore({ file: files.state })),
    settings,
    configs: () => kept(directoryObjectStore({ root: files.configs })),
    bus: () => kept(sqliteBus({ file: files.bus })),
    name: data,
    async close() {
      for (const port of opened) await port.close();
    },
  };
}

/** Google's libraries take a second to load, which nobody else is to wait for. */
async function googleCloudState(settings: Deployment): Promise<State & Closeable> {
  const { openGoogleCloud } = await import("../adapters/gcp/open.ts");
  const world = openGoogleCloud({ settings, log: linesLog(process.stderr) });
  return {
    store: world.store,
    settings,
    configs: () => world.configs,
    bus: () => world.bus,
    name: `${settings.deployment} in ${settings.gcp?.project}`,
    close: () => world.close(),
  };
}

/** Answers a question the core can answer, reading what it asks for. */
export async function ask<T>(state: State, question: (deciding: Deciding) => T): Promise<T> {
  const { store, settings } = state;
  const plan = indexPlan(await planOf(state));
  const about = {
    plan,
    settings,
    now: Date.now(),
    by: "cli",
    lanes: noLanes,
    turns: turnsOver(new Map()),
  };
  return answered({ store, about, known: new Map() }, question);
}

export interface Asking {
  readonly store: TaskStore;
  readonly about: Omit<Deciding, "draft">;
  /** What was read so far, for whoever asks more than once. */
  readonly known: Map<DocumentId, Known>;
}

/** Asks until all documents that the answer wants are read. */
export async function answered<T>(
  { store, about, known }: Asking,
  question: (deciding: Deciding) => T,
): Promise<T> {
  for (;;) {
    try {
      return question({ ...about, draft: draftOver(known) });
    } catch (cause) {
      if (!(cause instanceof Unread)) throw cause;
      for (const [id, read] of await store.read(cause.ids)) known.set(id, read);
    }
  }
}

async function planOf({ store, configs, name }: State): Promise<Plan> {
  const { body } = await currentPlan(store);
  if (body === null) {
    throw new UsageError(
      `no configs were released to ${name} yet; start "landfall up --configs DIR", or release some with "landfall release --configs DIR"`,
    );
  }
  return readPlan(configs(), body.hash);
}
