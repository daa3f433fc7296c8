import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Libsql from "libsql";
import { PermanentError, RetryableError } from "../../ports/errors.ts";

/**
 * What may be bound to a statement. Booleans are not among them: libsql 0.5 aborts the whole
 * process when it is given one.
 */
export type SqlValue = string | number | null | Uint8Array;

/** A prepared statement; `Row` is what its columns are, in their order, on the word of its author. */
export interface Statement<Row extends readonly SqlValue[]> {
  /** Answers how many rows were inserted, updated or deleted. */
  run(...values: readonly SqlValue[]): number;
  get(...values: readonly SqlValue[]): Row | undefined;
  all(...values: readonly SqlValue[]): readonly Row[];
}

/**
 * One opening of a SQLite file. Everything is synchronous, so a transaction never spans an `await`
 * and two openings within one process cannot wait for each other.
 *
 * All of it throws `RetryableError` (busy, disk full, disk trouble) or `PermanentError` (read-only,
 * not a database), each with one line for an operator.
 */
export interface Database {
  readonly file: string;
  /** Prepares once; the same text gives the same statement. */
  readonly statement: <Row extends readonly SqlValue[] = readonly []>(
    sql: string,
  ) => Statement<Row>;
  /** Everything `work` reads is read at one moment. */
  read<T>(work: () => T): T;
  /**
   * What `work` writes is committed together, or not at all when it throws. Holds the write lock of
   * the file from the beginning, so that nothing `work` reads changes before it writes. Throws
   * `CommitInDoubt` when the disk failed in the very moment of committing.
   */
  write<T>(work: () => T): T;
  close(): void;
}

/** The transaction may or may not have been committed; read again. */
export class CommitInDoubt extends RetryableError {}

/** A set of tables that one adapter keeps in a file, maybe beside those of others. */
export interface Part {
  readonly name: string;
  /** Grows when `schema` changes. */
  readonly version: number;
  /** Statements that make the tables. */
  readonly schema: string;
}

/** How long a call waits for another process's transaction; ours take milliseconds. */
const busyTimeoutMs = 5_000;

/**
 * Opens a file, made with its folder when it is not there, for several processes at once.
 *
 * The journal is a write-ahead log with `synchronous=NORMAL`: what was committed survives `kill -9`
 * at any moment. A power loss or a crash of the kernel may take the last commits since the log was
 * last synced, newest first; it never leaves half of one, nor a damaged file.
 */
export function openDatabase(file: string, part: Part): Database {
  const database = overConnection(connect(file), file);
  try {
    database.statement(`PRAGMA busy_timeout = ${busyTimeoutMs}`).all();
    patiently(() => useWriteAheadLog(database));
    database.statement("PRAGMA synchronous = NORMAL").run();
    database.statement("PRAGMA journal_size_limit = 67108864").all();
    makeTables(database, part);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/**
 * Text as SQLite keeps it, for names that may hold anything: SQLite ends text at a NUL, and a lone
 * surrogate has no UTF-8. Everyday names stay as they are.
 */
export function sqlText(text: string): string {
  return /["\\\p{Cc}\p{Cs}]/u.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** What `sqlText` made its argument from. */
export function textOfSql(text: string): string {
  return text.includes("\\") ? (JSON.parse(`"${text}"`) as string) : text;
}

/** A limit of a query, refused when it is none: SQLite takes -1 for "all". */
export function sqlLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new Error(`a limit is a whole number from 0 on, not ${limit}`);
}

function connect(file: string): Libsql.Database {
  try {
    mkdirSync(dirname(file), { recursive: true });
    return new Libsql(file, { timeout: 0 });
  } catch (cause) {
    throw new PermanentError(
      `cannot open ${file}: its folder must exist and be writable for this user`,
      { cause },
    );
  }
}

function overConnection(raw: Libsql.Database, file: string): Database {
  const statements = new Map<string, Statement<readonly SqlValue[]>>();
  let open = true;
  const guarded = <T>(work: () => T): T => {
    if (!open) throw new Error(`${file} was closed`);
    try {
      return work();
    } catch (cause) {
      throw operatingError(file, cause);
    }
  };
  const transaction = <T>(begin: string, work: () => T): T => {
    guarded(() => raw.exec(begin));
    let result: T;
    try {
      result = work();
    } catch (cause) {
      if (raw.inTransaction) raw.exec("ROLLBACK");
      throw cause;
    }
    commit(raw, file);
    return result;
  };
  return {
    file,
    statement<Row extends readonly SqlValue[]>(sql: string) {
      const known = statements.get(sql) ?? guarded(() => prepare(raw, sql, guarded));
      statements.set(sql, known);
      return known as Statement<Row>;
    },
    read: (work) => transaction("BEGIN DEFERRED", work),
    write: (work) => transaction("BEGIN IMMEDIATE", work),
    close() {
      if (!open) return;
      open = false;
      statements.clear();
      emptyLog(raw);
      raw.close();
    },
  };
}

/**
 * Moves the log into the file, as far as other processes let it: libsql 0.5 closes a connection only
 * when its statements are garbage, so SQLite's own emptying of the log at the last close never comes.
 */
function emptyLog(raw: Libsql.Database): void {
  try {
    raw.prepare("PRAGMA wal_checkpoint(PASSIVE)").all();
  } catch (cause) {
    if (codeOf(cause) === 0) throw cause;
  }
}

/** Values go in as one array: libsql takes a single null or blob for a set of named values. */
function prepare(
  raw: Libsql.Database,
  sql: string,
  guarded: <T>(work: () => T) => T,
): Statement<readonly SqlValue[]> {
  const prepared = raw.prepare<[readonly SqlValue[]]>(sql);
  if (prepared.reader) prepared.raw();
  return {
    run: (...values) => guarded(() => prepared.run(values).changes),
    get: (...values) => guarded(() => prepared.get(values) as readonly SqlValue[] | undefined),
    all: (...values) => guarded(() => prepared.all(values) as readonly SqlValue[][]),
  };
}

/**
 * A commit that failed while its transaction still stands (busy) or for want of space wrote
 * nothing: the frame that would have committed it was not written. After any other failure it may
 * be in the log (https://www.sqlite.org/walformat.html#recovery).
 */
function commit(raw: Libsql.Database, file: string): void {
  try {
    raw.exec("COMMIT");
  } catch (cause) {
    const error = operatingError(file, cause);
    if (raw.inTransaction) raw.exec("ROLLBACK");
    else if (codeOf(cause) !== FULL) throw new CommitInDoubt(messageOf(error), { cause });
    throw error;
  }
}

const FULL = 13;

const busy = (file: string) =>
  `${file} was held by another process for too long; trying again may help`;
const refused = (file: string) =>
  `cannot write ${file}: make it and its folder writable for this user`;
const damaged = (file: string) =>
  `${file} is damaged or no database: restore it from a backup, or move it away to start empty`;

/** What to tell of a primary result code (https://www.sqlite.org/rescode.html). */
const TROUBLE = new Map<
  number,
  readonly [typeof RetryableError | typeof PermanentError, (file: string) => string]
>([
  [3, [PermanentError, refused]],
  [5, [RetryableError, busy]],
  [6, [RetryableError, busy]],
  [7, [RetryableError, (file) => `no memory left for ${file}`]],
  [8, [PermanentError, refused]],
  [10, [RetryableError, (file) => `the disk under ${file} does not answer as it should`]],
  [11, [PermanentError, damaged]],
  [FULL, [RetryableError, (file) => `no space left for ${file}: free some on its disk`]],
  [14, [PermanentError, refused]],
  [26, [PermanentError, damaged]],
]);

function operatingError(file: string, cause: unknown): unknown {
  const [Kind, message] = TROUBLE.get(codeOf(cause)) ?? [];
  return Kind === undefined || message === undefined ? cause : new Kind(message(file), { cause });
}

/** The primary result code; 0 when the error is not SQLite's. */
function codeOf(cause: unknown): number {
  return cause instanceof Libsql.SqliteError ? (cause.rawCode ?? 0) & 0xff : 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Tries again while another process holds the file. SQLite itself does not wait for others that
 * change the mode of its journal in the same moment.
 */
function patiently(work: () => void): void {
  const until = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      return work();
    } catch (cause) {
      if (!(cause instanceof RetryableError) || performance.now() > until) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Only the first opening of a file changes its mode: changing it needs the file alone. */
function useWriteAheadLog(database: Database): void {
  const mode = () => database.statement<[string]>("PRAGMA journal_mode").get()?.[0];
  if (mode() !== "wal") database.statement("PRAGMA journal_mode = WAL").all();
  if (mode() !== "wal") {
    throw new PermanentError(`the disk under ${database.file} cannot be shared between processes`);
  }
}

/** Makes the tables of a part in an open file that has them not. */
export function makeTables(database: Database, part: Part): void {
  const found = () =>
    database
      .statement<[number]>("SELECT count(*) FROM sqlite_schema WHERE name = 'landfall_parts'")
      .get()?.[0] === 0
      ? undefined
      : database
          .statement<[number]>("SELECT version FROM landfall_parts WHERE name = ?")
          .get(part.name)?.[0];
  const version = found() ?? database.write(() => found() ?? makeOwnTables(database, part));
  if (version === part.version) return;
  throw new PermanentError(
    `${database.file} was written by another version of Landfall (its ${part.name} is version ` +
      `${version}, this one reads ${part.version}): use that version, or move the file away`,
  );
}

function makeOwnTables(database: Database, part: Part): number {
  const statements = [
    "CREATE TABLE IF NOT EXISTS landfall_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    ...part.schema.split(";").filter((sql) => sql.trim() !== ""),
  ];
  for (const sql of statements) database.statement(sql).run();
  database.statement("INSERT INTO landfall_parts VALUES (?, ?)").run(part.name, part.version);
  return part.version;
}
