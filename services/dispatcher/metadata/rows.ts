import { sha256Hex } from "../../../core/hash.ts";
import { metadataRowKey } from "../../../core/metadata.ts";
import type { Clock } from "../../../ports/clock.ts";
import { RetryableError } from "../../../ports/errors.ts";
import type { Cell, KeyValueStore } from "../../../ports/key-value-store.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { confObject } from "../../../releases/names.ts";
import type { MetadataRow } from "../../../schemas/plan.ts";

export interface RowPorts {
  /** Holds confs by the hash of their content. */
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly clock: Clock;
}

/** Bytes of one request to the online store, unless a single conf is larger. */
const requestBytesMax = 4_000_000;

interface Entry {
  readonly row: MetadataRow;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** How rows are written. */
export interface Writing {
  readonly table: string;
  /** Called before each request: rows may be written. What it throws ends the writing at once. */
  readonly keep: () => Promise<void>;
}

/**
 * Writes rows, each the bytes of its compiled file at the time of writing, and reads all of them back:
 * without an answer they lie there. Answers what went wrong, each a sentence for an operator: confs that
 * are not in the store, a table that refuses or does not show what was written. What is wrong with one
 * row, or one instance, keeps no other from being written. Throws only what `keep` throws.
 */
export async function writeRows(
  ports: RowPorts,
  { table, keep }: Writing,
  rows: readonly MetadataRow[],
): Promise<readonly Error[]> {
  const read = await Promise.allSettled(rows.map((row) => entryOf(ports, table, row)));
  const entries = read.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const wrong = read.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
  for (const [store, own] of byStore(ports.keyValueStore, entries, ({ row }) => row.instance)) {
    for (const request of requests(own)) {
      await keep();
      try {
        await writeRequest({ ...ports, keyValueStore: store }, table, request);
      } catch (cause) {
        wrong.push(cause as Error);
      }
    }
  }
  return wrong;
}

async function entryOf({ configs }: RowPorts, table: string, row: MetadataRow): Promise<Entry> {
  return { row, key: metadataRowKey(table, row.key), value: await confOf(configs, row) };
}

/** What belongs into each store: that of an instance, or the deployment's. */
function byStore<T>(
  usual: KeyValueStore,
  all: readonly T[],
  instanceOf: (one: T) => string | undefined,
): Map<KeyValueStore, T[]> {
  const found = new Map<KeyValueStore, T[]>();
  for (const one of all) {
    const instance = instanceOf(one);
    const store = instance === undefined ? usual : usual.at(instance);
    const own = found.get(store);
    if (own === undefined) found.set(store, [one]);
    else own.push(one);
  }
  return found;
}

/** Verbatim: the mapper that Chronon reads a row with is the one it reads the compiled file with. */
async function confOf(configs: ObjectStore, { key, conf }: MetadataRow): Promise<Uint8Array> {
  const name = confObject(conf);
  const object = await configs.read(name);
  if (object === null) {
    throw new RetryableError(
      `${name}, the conf of ${key}, is not in the configs store: release the configs again`,
    );
  }
  const { bytes } = object;
  if (sha256Hex(Buffer.from(bytes).toString("utf8")) === conf.hash) return bytes;
  throw new RetryableError(
    `${name}, the conf of ${key}, is not what was released: delete it and release the configs again`,
  );
}

function* requests(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let request: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (request.length > 0 && bytes + entry.value.length > requestBytesMax) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(entry);
    bytes += entry.value.length;
  }
  if (request.length > 0) yield request;
}

/**
 * Cells carry the time at which their request was made: one that arrives late is hidden by what was
 * written in between, by whoever had the turn then. So nothing is written a second time from here.
 */
async function writeRequest(
  { keyValueStore, clock }: RowPorts,
  table: string,
  request: readonly Entry[],
): Promise<void> {
  const timestamp = clock.now();
  const cells = request.map(({ key, value }) => ({ key, value, timestamp }));
  await keyValueStore.write(table, cells);
  const read = await keyValueStore.read(
    table,
    request.map(({ key }) => key),
  );
  const lying = new Map(read.map((cell) => [textOf(cell.key), cell]));
  for (const { row, key, value } of request) {
    const cell = lying.get(textOf(key));
    if (cell !== undefined && Buffer.from(cell.value).equals(value)) continue;
    throw new RetryableError(unseen(table, row.key, { cell, now: clock.now() }));
  }
}

/** Why a row that was written is not what is read. */
function unseen(
  table: string,
  key: string,
  { cell, now }: { readonly cell: Cell | undefined; readonly now: number },
): string {
  if (cell === undefined) {
    return `${key} was written to table ${table} and is not there: look at the age at which it drops cells`;
  }
  const at = new Date(cell.timestamp).toISOString();
  if (cell.timestamp > now) {
    return `${key} of table ${table} has a cell of the future, ${at}, that hides every other: delete the row`;
  }
  return `${key} of table ${table} is written over by somebody else, last at ${at}: stop them, or set metadata.by to others`;
}

/**
 * Deletes rows that still are what they were written as; what somebody else wrote since is theirs. Up to
 * the cells that were read: a delete that arrives late, whoever has the turn by then, leaves what was
 * written in between.
 */
export async function deleteRows(
  ports: RowPorts,
  table: string,
  rows: readonly LyingRow[],
): Promise<void> {
  for (const [store, own] of byStore(ports.keyValueStore, rows, ({ instance }) => instance)) {
    await deleteRowsOf(store, table, own);
  }
}

/** A row that was written, as the ledger has it. */
export interface LyingRow {
  readonly key: string;
  readonly hash: string;
  readonly instance?: string;
}

async function deleteRowsOf(
  keyValueStore: KeyValueStore,
  table: string,
  rows: readonly LyingRow[],
): Promise<void> {
  const keys = rows.map(({ key }) => metadataRowKey(table, key));
  const hashes = new Map(rows.map(({ hash }, at) => [textOf(keys[at] ?? new Uint8Array()), hash]));
  const own = (await keyValueStore.read(table, keys)).filter(
    ({ key, value }) => sha256Hex(Buffer.from(value).toString("utf8")) === hashes.get(textOf(key)),
  );
  await keyValueStore.delete(table, own);
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}
