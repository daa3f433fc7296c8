import { applyCommit, type DeltaState, emptyState, recallCommit } from "../core/delta-state.ts";
import { RetryableError } from "../ports/errors.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { readCheckpoint } from "./delta-checkpoint.ts";
import {
  commitGeneration,
  type FoundCommit,
  listCommits,
  readCommit,
  readLog,
} from "./delta-log.ts";

/** A Delta table as its log tells it, from its first commit or from a checkpoint on. */
export interface DeltaTable {
  readonly state: DeltaState;
  /** The first commit that cannot be read; everything in `state` is before it. */
  readonly problem: Extract<FoundCommit, { kind: "unreadable" | "unsupported" }> | null;
}

/** A commit that was there when reading began. */
interface Anchor {
  readonly version: number;
  readonly generation: number;
}

/** What reading goes on from. */
interface Base extends Kept {
  /** Null: the first commit that is read will be it. */
  readonly anchor: Anchor | null;
}

interface Kept extends DeltaTable {
  /** Of the last commit read; 0: none. */
  readonly generation: number;
  /** Files, partitions and transactions in `state`. */
  readonly weight: number;
}

/** Weight kept in memory over all tables of a store: some tens of megabytes. */
const keptMax = 100_000;

interface Shelf {
  /** Least recently used first. */
  readonly kept: Map<string, Kept>;
  /** Sum of the weights kept. */
  total: number;
  /** The last reading or writing of each table that is not finished. */
  readonly turns: Map<string, Promise<unknown>>;
}

const shelves = new WeakMap<ObjectStore, Shelf>();

function shelfOf(store: ObjectStore): Shelf {
  const known = shelves.get(store);
  if (known !== undefined) return known;
  const fresh: Shelf = { kept: new Map(), total: 0, turns: new Map() };
  shelves.set(store, fresh);
  return fresh;
}

/** The first of the paths at which there was a log when it was last read; null: at none of them. */
export function pathReadBefore(store: ObjectStore, paths: readonly string[]): string | null {
  const { kept } = shelfOf(store);
  return paths.find((path) => (kept.get(path)?.state.version ?? -1) >= 0) ?? null;
}

/**
 * Calls `work` with the newest state of the table at `path`, one call at a time per table and
 * store. What was read before is kept and only later commits are read, after making sure that the
 * log is still the same. The state must not be used after `work`.
 */
export async function withDeltaTable<R>(
  store: ObjectStore,
  path: string,
  work: (table: DeltaTable) => Promise<R> | R,
): Promise<R> {
  const { turns } = shelfOf(store);
  const before = turns.get(path) ?? Promise.resolve();
  const turn = before.then(async () => work(await newest(store, path)));
  const settled = turn.catch(() => {});
  turns.set(path, settled);
  try {
    return await turn;
  } finally {
    if (turns.get(path) === settled) turns.delete(path);
  }
}

/** A log that was replaced so often while it was read is left alone for a while. */
const triesMax = 5;

async function newest(store: ObjectStore, path: string): Promise<DeltaTable> {
  const shelf = shelfOf(store);
  const known = take(shelf, path);
  let base = known === undefined ? null : anchored(known);
  for (let tries = 0; tries < triesMax; tries += 1) {
    base ??= await empty(store, path);
    const table = await extended(store, path, base);
    if (table !== null) {
      keep(shelf, path, table);
      return table;
    }
    base = null;
  }
  throw new RetryableError(`the Delta log of ${path} is being replaced while it is read`);
}

/** What was read before, if later commits tell whether the log is still that one; else null. */
function anchored(known: Kept): Base | null {
  const { state, generation } = known;
  if (state.version < 0) return state.fromStart ? { ...known, anchor: null } : null;
  return { ...known, anchor: { version: state.version, generation } };
}

function take(shelf: Shelf, path: string): Kept | undefined {
  const known = shelf.kept.get(path);
  shelf.kept.delete(path);
  shelf.total -= known?.weight ?? 0;
  return known;
}

function keep(shelf: Shelf, path: string, table: Kept): void {
  shelf.kept.set(path, table);
  shelf.total += table.weight;
  for (const oldest of shelf.kept.keys()) {
    if (shelf.total <= keptMax || oldest === path) return;
    take(shelf, oldest);
  }
}

async function isThere(store: ObjectStore, path: string, anchor: Anchor): Promise<boolean> {
  return (await commitGeneration(store, path, anchor.version)) === anchor.generation;
}

/** A log that was cleaned up begins with a checkpoint, when there is one that can be read. */
async function empty(store: ObjectStore, path: string): Promise<Base> {
  const [first] = await listCommits(store, path);
  const begins = first?.version ?? 0;
  if (first !== undefined && begins === 0) return nothingRead(0);
  const state = await readCheckpoint(store, path, begins - 1);
  if (state === null) return nothingRead(begins);
  for (let version = begins; first !== undefined && version <= state.version; version += 1) {
    const found = await readCommit(store, path, version);
    if (found.kind !== "commit") break;
    recallCommit(state, found);
  }
  const kept: Kept = { state, problem: null, generation: 0, weight: weightOf(state) };
  return { ...kept, anchor: first ?? null };
}

function nothingRead(first: number): Base {
  return { state: emptyState(first), problem: null, generation: 0, weight: 0, anchor: null };
}

/**
 * The table with what is later than its base. A log may be replaced while it is read, as by a table that
 * is made anew: of two halves of two logs nothing is true, nor of half a log. What was there when
 * reading began must still be when it ends; null: it is not.
 */
async function extended(store: ObjectStore, path: string, base: Base): Promise<Kept | null> {
  const { state } = base;
  let { generation, anchor } = base;
  let problem: DeltaTable["problem"] = null;
  for await (const found of readLog(store, path, state.version + 1)) {
    if (found.kind === "absent") break;
    if (found.kind !== "commit") {
      problem = found;
      break;
    }
    applyCommit(state, found);
    ({ generation } = found);
    anchor ??= { version: found.version, generation };
  }
  if (anchor !== null && !(await isThere(store, path, anchor))) return null;
  return { state, problem, generation, weight: weightOf(state) };
}

function weightOf(state: DeltaState): number {
  let weight = 1 + state.txns.size;
  for (const { live } of state.partitions.values()) weight += 1 + live.size;
  return weight;
}
