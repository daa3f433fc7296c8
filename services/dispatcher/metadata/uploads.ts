import {
  EMPTY,
  exhaustMap,
  filter,
  from,
  ignoreElements,
  merge,
  Observable,
  takeUntil,
} from "rxjs";
import {
  deletions,
  fetcherCacheMs,
  goneRows,
  ledgerAfter,
  nextStep,
  remarkOn,
  rowsToWrite,
  type Wanted,
  type Written,
  wantedOf,
} from "../../../core/metadata.ts";
import { writesMetadata } from "../../../core/metadata-by.ts";
import type { Log } from "../../../ports/log.ts";
import type { EpochMs } from "../../../schemas/ids.ts";
import type { Settings } from "../../../schemas/settings.ts";
import type { Plans } from "../plans.ts";
import { type LedgerPorts, readHeads, type Turn, TurnLost, takeTurn } from "./ledger.ts";
import { deleteRows, type LyingRow, type RowPorts, writeRows } from "./rows.ts";

export interface MetadataPorts extends LedgerPorts, RowPorts {
  readonly plans: Plans;
  readonly settings: Settings;
  readonly log: Log;
}

/** Rows that are written and read back together. */
const rowsPerRequest = 100;

/** The ledger is looked at again after so long, whatever was due: an operator may have moved it. */
const lookMs = 3_600_000;

/** While somebody else writes, whether they are done is looked at again after so long. */
const waitMs = 5_000;

/** First and longest wait before what failed is tried again. */
const retryMs = 1_000;
const retryMsMax = 60_000;

/** What has failed so often, for an hour, waits for somebody: each try writes every row again. */
const failuresMax = 60;
const lastingMs = 600_000;

function retryAfterMs(failures: number): number {
  return failures > failuresMax ? lastingMs : Math.min(retryMsMax, retryMs * 2 ** (failures - 1));
}

/**
 * Keeps the online store's metadata as the current plan wants it: soon after a release, once in
 * `metadata.refreshMs`, and after trouble again and again.
 */
export interface MetadataKeeper {
  /** Never fails and emits nothing. Until `stop` emits; then what was begun is finished. */
  keep(stop: Observable<unknown>): Observable<never>;
  /** Somebody may have asked for something, or released: the ledger is looked at now, or by the next tick. */
  nudge(): void;
}

export function metadataKeeper(ports: MetadataPorts): MetadataKeeper {
  const { clock, settings } = ports;
  const uploads = uploadsOf(ports);
  let heard = () => {};
  const nudges = new Observable<void>((out) => {
    heard = () => out.next();
  });
  return {
    nudge() {
      uploads.nudge();
      heard();
    },
    keep(stop) {
      if (!writesMetadata(settings)) return EMPTY;
      return merge(clock.every(settings.tickMs), nudges).pipe(
        takeUntil(stop),
        filter(() => uploads.isDue()),
        exhaustMap(() => from(uploads.look())),
        ignoreElements(),
      );
    },
  };
}

export interface Uploads {
  /** Whether a look may find something to do; asks nobody. */
  isDue(): boolean;
  /** Looks, and writes what is to be written. Never throws. */
  look(): Promise<void>;
  /** The next look is due. */
  nudge(): void;
}

export function uploadsOf(ports: MetadataPorts): Uploads {
  const { plans, settings, clock, log } = ports;
  let lookedAt: string | null = null;
  let dueAt = 0;
  let failures = 0;
  let isNudged = false;
  let wanted: { readonly of: string; readonly what: Wanted } | null = null;

  /** What the plan in memory wants; null while there is none, or it knows of no metadata. */
  const wantedNow = () => {
    const plan = plans.current()?.plan;
    if (plan?.metadata === undefined) return null;
    if (wanted?.of !== plan.hash) {
      wanted = { of: plan.hash, what: wantedOf(plan.metadata, settings) };
    }
    return wanted;
  };

  return {
    isDue() {
      const plan = plans.current()?.plan;
      return plan !== undefined && (isNudged || plan.hash !== lookedAt || clock.now() >= dueAt);
    },
    nudge() {
      isNudged = true;
    },
    async look() {
      lookedAt = plans.current()?.plan.hash ?? null;
      isNudged = false;
      try {
        const now = wantedNow();
        dueAt = now === null ? clock.now() + lookMs : await lookOnce(ports, now);
        failures = 0;
      } catch (cause) {
        failures += 1;
        dueAt = clock.now() + retryAfterMs(failures);
        if (cause instanceof TurnLost) return;
        const reason = cause instanceof Error ? cause.message : String(cause);
        log.warn({ reason, failures }, "metadata was not uploaded; trying again");
      }
    },
  };
}

/** One look; answers when the next one is due. */
async function lookOnce(
  ports: MetadataPorts,
  { of, what }: { readonly of: string; readonly what: Wanted },
): Promise<EpochMs> {
  const { store, clock, by, plans, settings } = ports;
  const heads = await readHeads(store);
  if (heads.plan.body?.hash !== of) {
    await plans.refresh();
    return clock.now();
  }
  const { refreshMs } = settings.metadata;
  const asking = { head: heads.head.body, wanted: what, now: clock.now(), by, refreshMs };
  const step = nextStep(asking);
  if (step.kind === "rest") return Math.min(step.until, clock.now() + lookMs);
  if (step.kind === "wait") return Math.min(step.until, clock.now() + waitMs);
  const { table, hash } = what;
  const turn = await takeTurn(ports, { heads, table, hash, whole: step.whole });
  try {
    await upload(ports, turn, {
      wanted: what,
      whole: step.whole,
      release: heads.plan.body.release,
    });
  } catch (cause) {
    if (cause instanceof TurnLost) throw cause;
    await turn.giveUp(cause instanceof Error ? cause.message : String(cause));
    throw cause;
  }
  return clock.now() + lookMs;
}

interface Uploading {
  readonly wanted: Wanted;
  readonly whole: boolean;
  readonly release: string;
}

/**
 * All or nothing: the ledger changes after every row was written and read back (M1). What is wrong with
 * one row is thrown after all others were written: whose they are, they grow old in the table.
 */
async function upload(ports: MetadataPorts, turn: Turn, uploading: Uploading): Promise<void> {
  const { clock, settings, log } = ports;
  const { wanted, whole, release } = uploading;
  const { removal } = settings.metadata;
  const { table, hash } = wanted;
  const begun = clock.now();
  const rows = rowsToWrite(turn.rows, wanted, whole);
  const changed = rowsToWrite(turn.rows, wanted, false).length;
  const writing = { table, keep: () => turn.keep() };
  const wrong: Error[] = [];
  for (let at = 0; at < rows.length; at += rowsPerRequest) {
    wrong.push(...(await writeRows(ports, writing, rows.slice(at, at + rowsPerRequest))));
  }
  if (wrong[0] !== undefined) throw wrong[0];
  const gone = goneRows(turn.rows, wanted);
  const deleted = deletions(gone, { ledger: turn.rows, removal, asked: turn.head.asked ?? [] });
  if (deleted.length > 0) {
    await turn.keep();
    await deleteRows(ports, table, lyingAs(turn, deleted));
  }
  const before = turn.head.refreshedAt;
  const pass: Written = {
    wanted,
    written: new Set(rows.map(({ key }) => key)),
    deleted: new Set(deleted),
    at: begun,
    refreshedAt: before,
    keptMs: gone.length > deleted.length ? await keptMsOf(ports, table) : undefined,
  };
  const after = ledgerAfter(turn.rows, pass);
  const at = clock.now();
  const isNews = changed > 0 || deleted.length > 0 || turn.head.uploaded?.hash !== hash;
  const uploaded = { hash, release, rows: wanted.rows.size, changed, at };
  await turn.settle(after, {
    ...(isNews ? { uploaded: { ...uploaded, effectiveBy: at + fetcherCacheMs } } : {}),
    refreshedAt: whole ? begun : before,
    trouble: null,
    remark: remarkOn(after, pass, removal),
    ...(turn.head.asked === undefined ? {} : { asked: [] }),
  });
  const what = { table, written: rows.length, changed, deleted: deleted.length };
  if (isNews) log.info(what, `metadata of ${counted(changed)} uploaded to ${table}`);
  else log.info(what, `metadata of ${counted(rows.length)} refreshed in ${table}`);
}

function lyingAs(turn: Turn, keys: readonly string[]): LyingRow[] {
  return keys.map((key) => {
    const { hash = "", instance } = turn.rows.get(key) ?? {};
    return { key, hash, ...(instance === undefined ? {} : { instance }) };
  });
}

/** Undefined when it cannot be known: that is a remark and holds up nothing. */
async function keptMsOf(
  { keyValueStore, log }: MetadataPorts,
  table: string,
): Promise<number | null | undefined> {
  try {
    return await keyValueStore.cellsKeptMs(table);
  } catch (cause) {
    log.warn({ table, reason: (cause as Error).message }, "a table could not be described");
    return undefined;
  }
}

function counted(configs: number): string {
  return configs === 1 ? "1 config" : `${configs} configs`;
}
