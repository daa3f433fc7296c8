import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Libsql from "libsql";
import { afterAll, describe, expect, test } from "vitest";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { openDatabase, sqlText, textOfSql } from "../../adapters/embedded/database.ts";
import { sqliteKeyValueStore } from "../../adapters/embedded/key-value-store.ts";
import { sqliteTaskStore, taskStoreOver } from "../../adapters/embedded/task-store.ts";
import { listing, taskQueries, taskStorePart } from "../../adapters/embedded/task-table.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import { at, listen } from "../support/bus.ts";
import { hostileNames, pool, tick } from "../support/documents.ts";
import { put } from "../support/task-stores.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newFile = () => join(folder, `${(files += 1)}`, "port.db");

/** One line for a person, which names the file. */
function clearly(file: string, words: string): RegExp {
  const escaped = file.replaceAll(/[/.]/g, "\\$&");
  return new RegExp(`^(?=[^\\n]*${escaped})[^\\n]*${words}[^\\n]*$`);
}

const openers = {
  "task store": (file: string) => sqliteTaskStore({ file }),
  bus: (file: string) => sqliteBus({ file }),
  "key-value store": (file: string) => sqliteKeyValueStore({ file }),
} as const;

describe.each(Object.entries(openers))("%s: files that cannot be used", (_, open) => {
  test("a file that is no database is refused and left alone", () => {
    const file = newFile();
    mkdirSync(join(file, ".."));
    writeFileSync(file, "a shopping list, not a database\n".repeat(100));
    expect(() => open(file)).toThrow(PermanentError);
    expect(() => open(file)).toThrow(clearly(file, "restore it from a backup, or move it away"));
    expect(statSync(file).size).toBe(3_200);
  });

  test("a folder that cannot be made is named", () => {
    const file = newFile();
    writeFileSync(join(file, ".."), "a file where the folder should be");
    expect(() => open(file)).toThrow(PermanentError);
    expect(() => open(file)).toThrow(clearly(file, "must exist and be writable"));
  });

  test("a file of a newer Landfall is refused", async () => {
    const file = newFile();
    await open(file).close();
    const raw = new Libsql(file);
    raw.exec("UPDATE landfall_parts SET version = 2");
    raw.close();
    expect(() => open(file)).toThrow(PermanentError);
    expect(() => open(file)).toThrow(clearly(file, "another version of Landfall"));
  });

  test("several parts share a file", async () => {
    const file = newFile();
    for (const other of Object.values(openers)) await other(file).close();
    await open(file).close();
  });
});

const isRoot = process.getuid?.() === 0;
if (isRoot) console.info("skipped: a read-only folder stops nobody who runs as root");

test.skipIf(isRoot)("a read-only folder is refused with what to do", () => {
  const file = newFile();
  mkdirSync(join(file, ".."));
  chmodSync(join(file, ".."), 0o555);
  expect(() => sqliteTaskStore({ file })).toThrow(PermanentError);
  expect(() => sqliteTaskStore({ file })).toThrow(clearly(file, "writable for this user"));
});

test("a full disk is a RetryableError; nothing is written, and all works again with space", async () => {
  const file = newFile();
  const database = openDatabase(file, taskStorePart);
  const store = taskStoreOver(database);
  const id = "pools/a";
  const version = await put(store, id, pool("a"));
  const [[pages] = [0]] = database.statement<[number]>("PRAGMA page_count").all();
  database.statement(`PRAGMA max_page_count = ${pages}`).all();
  const writes = Array.from({ length: 400 }, (_, n) => ({
    id: `pools/${n}` as const,
    body: pool("x".repeat(400)),
    version: null,
  }));
  const large = { writes: [{ id, body: null, version } as const, ...writes], checks: [] };
  await expect(store.commit(large)).rejects.toThrow(RetryableError);
  await expect(store.commit(large)).rejects.toThrow(clearly(file, "no space left .*free some"));
  expect((await store.read([id])).get(id)).toEqual({ version, body: pool("a") });
  expect((await store.read(["pools/0"])).get("pools/0")?.body).toBeNull();
  database.statement("PRAGMA max_page_count = 1000000").all();
  expect((await store.commit(large)).kind).toBe("committed");
  await store.close();
});

test("a file that another process holds for too long is a RetryableError", () => {
  const file = newFile();
  const database = openDatabase(file, taskStorePart);
  database.statement("PRAGMA busy_timeout = 20").all();
  const other = new Libsql(file);
  other.exec("BEGIN IMMEDIATE");
  const write = () => database.write(() => "written");
  expect(write).toThrow(RetryableError);
  expect(write).toThrow(clearly(file, "held by another process"));
  other.exec("COMMIT");
  expect(write()).toBe("written");
  other.close();
  database.close();
});

test("a transaction whose work throws leaves nothing behind", () => {
  const database = openDatabase(newFile(), taskStorePart);
  const insert = database.statement(
    "INSERT INTO documents (id, version, body) VALUES (?, '1', '')",
  );
  const count = database.statement<[number]>("SELECT count(*) FROM documents");
  const half = () =>
    database.write(() => {
      insert.run("half");
      throw new Error("a bug");
    });
  expect(half).toThrow("a bug");
  expect(count.get()).toEqual([0]);
  expect(database.write(() => insert.run("whole"))).toBe(1);
  expect(count.get()).toEqual([1]);
  database.close();
});

test("subscribers of the process are woken by what is published, not by their clocks", async () => {
  const file = newFile();
  const [publisher, bus] = [sqliteBus({ file }), sqliteBus({ file })];
  const listener = listen(bus, {}, (delivery) => delivery.ack());
  const begun = performance.now();
  for (let n = 1; n <= 50; n += 1) {
    await publisher.publish([tick(n)]);
    await listener.count(n);
    await new Promise(setImmediate);
  }
  expect(performance.now() - begun).toBeLessThan(2_000);
  await publisher.close();
  await bus.close();
});

test("a document nobody can read is named in one line", async () => {
  const file = newFile();
  const store = sqliteTaskStore({ file });
  await put(store, "pools/a", pool("a"));
  for (const body of ["{", '{"schema":7}']) {
    const raw = new Libsql(file);
    raw.prepare("UPDATE documents SET body = ?").run([body]);
    raw.close();
    await expect(store.read(["pools/a"])).rejects.toThrow(PermanentError);
    await expect(store.read(["pools/a"])).rejects.toThrow(/^[^\n]*pools\/a[^\n]*$/);
  }
  await store.close();
});

test("a message that is not even UTF-8 becomes a dead letter, not a crash", async () => {
  const file = newFile();
  const bus = sqliteBus({ file });
  const raw = new Libsql(file);
  raw.exec("INSERT INTO events (body) VALUES (CAST(x'ff00fe' AS TEXT)), (x'ff')");
  raw.close();
  await bus.publish([tick(1)]);
  expect(at((await listen(bus).next()).event)).toBe(1);
  await expect.poll(() => bus.deadLetters(10)).toHaveLength(2);
  await bus.close();
});

test("what a dead owner left on disk is removed, and its events are delivered", async () => {
  const file = newFile();
  const bus = sqliteBus({ file });
  const raw = new Libsql(file);
  raw.exec(`INSERT INTO owners VALUES ('gone');
    INSERT INTO events (body, attempt, held_until, owner)
    VALUES ('${JSON.stringify(tick(1))}', 1, ${Number.MAX_SAFE_INTEGER}, 'gone')`);
  writeFileSync(`${file}-owner-gone`, "");
  expect((await listen(bus).next()).attempt).toBe(2);
  expect(raw.prepare("SELECT count(*) FROM owners").raw().get([])).toEqual([1]);
  raw.close();
  await bus.close();
  expect(readdirSync(join(file, "..")).filter((name) => name.includes("owner"))).toEqual([]);
});

test("a closed store says so", async () => {
  const store = sqliteTaskStore({ file: newFile() });
  await store.close();
  await store.close();
  await expect(store.read(["pools/a"])).rejects.toThrow("was closed");
});

test("once closed, the file alone holds everything", async () => {
  const file = newFile();
  const store = sqliteTaskStore({ file });
  const version = await put(store, "pools/a", pool("a"));
  await store.close();
  for (const suffix of ["-wal", "-shm"]) rmSync(file + suffix, { force: true });
  const again = sqliteTaskStore({ file });
  expect((await again.read(["pools/a"])).get("pools/a")?.version).toBe(version);
  await again.close();
});

test("the log does not grow with what is written", async () => {
  const file = newFile();
  const bus = sqliteBus({ file });
  const listener = listen(bus, { unackedMax: 1_000 }, (delivery) => delivery.ack());
  for (let from = 0; from < 20_000; from += 200) {
    await bus.publish(Array.from({ length: 200 }, (_, n) => tick(from + n)));
    await listener.count(from + 200);
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(16_000_000);
  await bus.close();
});

describe("queries look at no more than they answer", () => {
  const file = newFile();
  const database = openDatabase(file, taskStorePart);
  afterAll(() => database.close());
  const planOf = (sql: string, values: readonly (string | number)[]) =>
    database
      .statement<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...values)
      .map(([, , , detail]) => detail);

  test.each([
    {
      name: "due tasks",
      sql: taskQueries.due,
      values: [1, 10],
      plan: /^SEARCH documents USING COVERING INDEX tasks_due/,
    },
    {
      name: "queued tasks",
      sql: taskQueries.queued,
      values: ["p", 1],
      plan: /^SEARCH documents USING COVERING INDEX tasks_queued/,
    },
    {
      name: "all tasks",
      sql: listing({}).sql,
      values: [10],
      plan: /^SCAN documents USING INDEX tasks_by_start$/,
    },
    {
      name: "tasks in a state",
      sql: listing({ state: "failed" }).sql,
      values: ["failed", 10],
      plan: /^SEARCH documents USING INDEX tasks_by_state/,
    },
    {
      name: "tasks of a step",
      sql: listing({ step: "a" }).sql,
      values: ["a", 10],
      plan: /^SEARCH documents USING INDEX tasks_by_step/,
    },
    {
      name: "tasks of a step in a state",
      sql: listing({ step: "a", state: "failed" }).sql,
      values: ["a", "failed", 10],
      plan: /^SEARCH documents USING INDEX tasks_by_st(ep|ate)/,
    },
  ])("$name: by one index, in its order, without sorting", ({ sql, values, plan }) => {
    expect(planOf(sql, values)).toEqual([expect.stringMatching(plan)]);
  });
});

test("names of any kind come back from SQLite as they were", () => {
  const database = openDatabase(newFile(), taskStorePart);
  const echo = database.statement<[string]>("SELECT ?");
  for (const name of [...hostileNames, "\\", '"', "\\u0000", "\u0085", "\ud83d"]) {
    expect(textOfSql(echo.get(sqlText(name))?.[0] ?? "nothing")).toBe(name);
  }
  expect(sqlText("risk.features.v1/upload@2025-09-30")).toBe("risk.features.v1/upload@2025-09-30");
  database.close();
});
