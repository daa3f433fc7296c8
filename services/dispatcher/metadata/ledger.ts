import { stableJson } from "../../../core/hash.ts";
import type { Rows } from "../../../core/metadata.ts";
import { pagesOf } from "../../../core/metadata-pages.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { DocumentVersion, Read, TaskStore, Write } from "../../../ports/task-store.ts";
import type { MetadataDocument, WrittenRow } from "../../../schemas/metadata.ts";

/** How long who took the turn may write before it has to say that it still does. */
const turnMs = 60_000;

/** Documents of rows in one request: what they take to encode, decisions beside this wait for. */
const pagesPerRequest = 10;

/** Somebody else has the turn, or may have: nothing may be written on the strength of it. */
export class TurnLost extends Error {
  override readonly name = "TurnLost";
}

export interface LedgerPorts {
  readonly store: TaskStore;
  readonly clock: Clock;
  /** The name this process writes under. */
  readonly by: string;
}

/** The head of the ledger, with the plan that was current at the same moment. */
export interface Heads {
  readonly plan: Read<"plans/current">;
  readonly head: Read<"metadata/current">;
}

export async function readHeads(store: TaskStore): Promise<Heads> {
  const read = await store.read(["plans/current", "metadata/current"]);
  const absent = { version: null, body: null };
  return {
    plan: (read.get("plans/current") ?? absent) as Heads["plan"],
    head: (read.get("metadata/current") ?? absent) as Heads["head"],
  };
}

/** The right to write rows (M2), for as long as `metadata/current` says so. */
export interface Turn {
  readonly head: MetadataDocument;
  /** Rows that the ledger has. */
  readonly rows: Rows;
  /** To be called before rows are written: they may be. Throws `TurnLost`. */
  keep(): Promise<void>;
  /** Commits the rows that lie there now and, last, what the head says of them. Ends the turn. */
  settle(rows: Rows, change: Partial<MetadataDocument>): Promise<void>;
  /** Ends the turn with what is wrong; another may begin at once, and knows what was being written. */
  giveUp(sentence: string): Promise<void>;
}

export interface Taking {
  readonly heads: Heads;
  readonly table: string;
  readonly hash: string;
  readonly whole: boolean;
}

/**
 * Takes the turn if nobody took it since `heads` were read: the plan was current then, so whoever
 * uploads for a later one comes after, or has made this fail. Throws `TurnLost`; also when the answer
 * to a commit was lost, for then the next look finds out.
 */
export async function takeTurn(ports: LedgerPorts, taking: Taking): Promise<Turn> {
  const { store, clock, by } = ports;
  const { heads, table, hash, whole } = taking;
  const sameTable = heads.head.body?.table === table;
  let head = heads.head.body !== null && sameTable ? heads.head.body : emptyHead(table, heads);
  let version = heads.head.version;

  const commit = async (change: Partial<MetadataDocument>, pages: readonly Write[] = []) => {
    const body = { ...head, ...change };
    const own: Write = { id: "metadata/current", body, version };
    const answer = await store.commit({ writes: [...pages, own], checks: [] });
    if (answer.kind !== "committed") throw new TurnLost(`the commit's answer: ${answer.kind}`);
    head = body;
    version = answer.version;
  };
  const writing = () => ({ by, until: clock.now() + turnMs, hash, whole });

  await commit({ writing: writing() });
  const known = await readPages(store, head.pages);
  const rows = new Map<string, WrittenRow>();
  if (sameTable) for (const { body } of known.values()) addRows(rows, body);
  return {
    get head() {
      return head;
    },
    rows,
    async keep() {
      const left = (head.writing?.until ?? 0) - clock.now();
      if (left <= 0) throw new TurnLost("its time is over");
      if (left < turnMs / 2) await commit({ writing: writing() });
    },
    async settle(after, change) {
      const pages = pagesOf(after);
      const unknown = [...pages.keys()].filter((page) => !known.has(page));
      for (const [page, read] of await readPages(store, unknown)) known.set(page, read);
      const writes = changedPages(known, pages);
      while (writes.length > pagesPerRequest) {
        await commit({ writing: writing() }, writes.splice(0, pagesPerRequest));
      }
      await commit({ ...change, pages: [...pages.keys()], writing: null }, writes);
    },
    async giveUp(sentence) {
      const { trouble, writing: mine } = head;
      const since = trouble?.since ?? clock.now();
      const until = Math.min(clock.now(), mine?.until ?? 0);
      const left = mine === null ? null : { ...mine, until };
      await commit({ trouble: { sentence, since }, writing: left });
    },
  };
}

type Page = Read<`metadata-rows/${string}`>;

async function readPages(store: TaskStore, pages: readonly string[]): Promise<Map<string, Page>> {
  const known = new Map<string, Page>();
  for (let at = 0; at < pages.length; at += pagesPerRequest) {
    const ids = pages
      .slice(at, at + pagesPerRequest)
      .map((page) => `metadata-rows/${page}` as const);
    for (const [id, page] of await store.read(ids)) {
      known.set(id.slice("metadata-rows/".length), page as Page);
    }
  }
  return known;
}

function addRows(rows: Map<string, WrittenRow>, body: Page["body"]): void {
  for (const [key, row] of Object.entries(body?.rows ?? {})) rows.set(key, row);
}

function changedPages(
  known: ReadonlyMap<string, Page>,
  pages: ReadonlyMap<string, Record<string, WrittenRow>>,
): Write[] {
  const writes: Write[] = [];
  const versionOf = (page: string): DocumentVersion | null => known.get(page)?.version ?? null;
  for (const [page, rows] of pages) {
    const before = known.get(page)?.body ?? null;
    if (before !== null && stableJson(before.rows) === stableJson(rows)) continue;
    const body = { schema: 1 as const, rows };
    writes.push({ id: `metadata-rows/${page}`, body, version: versionOf(page) });
  }
  for (const [page, { version }] of known) {
    if (version === null || pages.has(page)) continue;
    writes.push({ id: `metadata-rows/${page}`, body: null, version });
  }
  return writes;
}

/** Nothing is known of a table that was never written to; documents of another are written over. */
function emptyHead(table: string, { head }: Heads): MetadataDocument {
  return {
    schema: 1,
    table,
    uploaded: null,
    refreshedAt: null,
    pages: head.body?.pages ?? [],
    trouble: null,
    remark: null,
    writing: null,
  };
}
