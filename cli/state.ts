import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { filesOf } from "../adapters/embedded/open.ts";
import { sqliteTaskStore } from "../adapters/embedded/task-store.ts";
import { type Deciding, noLanes } from "../core/deciding.ts";
import { draftOver, type Known, Unread } from "../core/draft.ts";
import { indexPlan } from "../core/plan-index.ts";
import type { TaskStore } from "../ports/task-store.ts";
import { currentPlan, readPlan } from "../releases/stored-plan.ts";
import type { DocumentId } from "../schemas/documents.ts";
import type { Plan } from "../schemas/plan.ts";
import { UsageError } from "./errors.ts";
import { readSettings } from "./settings.ts";

/** `--data DIR`: where `landfall up` keeps its state. */
export function dataOption(): Option {
  return new Option("--data <dir>", "folder of Landfall's state")
    .env("LANDFALL_DATA")
    .default(join(".landfall", "data"));
}

/** Opens the state of an embedded Landfall that runs or ran there, uses it, and closes it. */
export async function withState<T>(
  data: string,
  use: (store: TaskStore) => Promise<T>,
): Promise<T> {
  const file = filesOf(data).state;
  if (!existsSync(file)) {
    throw new UsageError(
      `no Landfall state in ${data}; start one with "landfall up", or name it with --data`,
    );
  }
  const store = sqliteTaskStore({ file });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Answers a question the core can answer, reading what it asks for. */
export async function ask<T>(
  { store, data, settings }: { store: TaskStore; data: string; settings?: string },
  question: (deciding: Deciding) => T,
): Promise<T> {
  const plan = indexPlan(await planOf(store, data));
  const about = {
    plan,
    settings: await readSettings(settings),
    now: Date.now(),
    by: "cli",
    lanes: noLanes,
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

async function planOf(store: TaskStore, data: string): Promise<Plan> {
  const { body } = await currentPlan(store);
  if (body === null) {
    throw new UsageError(
      `no configs were released to ${data} yet; start "landfall up --configs DIR"`,
    );
  }
  const configs = directoryObjectStore({ root: filesOf(data).configs });
  try {
    return await readPlan(configs, body.hash);
  } finally {
    await configs.close();
  }
}
