import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitObject } from "../../lake/delta-log.ts";
import type { Bus } from "../../ports/bus.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import { actions, planTable, writeCommit } from "../support/lake.ts";
import { Watched } from "../support/watched.ts";

const { add, metaData, remove } = actions;
const day = (ds: string) => ({ ds });

describe("watcher in trouble", () => {
  let watched: Watched;
  beforeEach(() => {
    watched = new Watched();
  });
  afterEach(() => watched.close());

  /** Waits until the table was looked at, so that what comes later is news. */
  const looked = (table = "db.t") => watched.untilCursor(table, () => true);

  test("after a restart it goes on from the cursor: news, not backlog", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.events.length === 1);
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: 0, tableId: "t", epoch: 0 });
    await watched.commit(1, add("b", day("2025-10-01")));
    watched.start();
    await watched.until(() => watched.events.length === 2);
    expect(watched.events.at(-1)).toMatchObject({ partition: "2025-10-01", backlog: false });
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-10-01@0.1"]);
  });

  test("killed between publishing and moving the cursor it tells again, and loses nothing", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.end();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    const refusing: TaskStore = {
      ...watched.store,
      read: (ids) => watched.store.read(ids),
      commit: () => Promise.reject(new RetryableError("cannot write: the disk is full; make room")),
    };
    watched.start({ store: refusing });
    await watched.until(() => watched.events.length === 1);
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: -1 });
    watched.start();
    await watched.until(() => watched.events.length === 2);
    expect(watched.events[0]).toEqual(watched.events[1]);
    expect(watched.lines.filter((line) => line.startsWith("cannot save cursors"))).toHaveLength(1);
  });

  test("a full disk under the cursors holds nothing up, and they are saved once there is room", async () => {
    await watched.plan(planTable("db.t"));
    let full = false;
    const store: TaskStore = {
      ...watched.store,
      commit: (commit) =>
        full
          ? Promise.reject(new RetryableError("the disk is full"))
          : watched.store.commit(commit),
    };
    watched.start({ store });
    await looked();
    full = true;
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.events.length === 1);
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.until(() => watched.events.length === 2);
    full = false;
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: 1 });
  });

  test("while the bus takes nothing the cursor stays, and nothing is lost", async () => {
    await watched.plan(planTable("db.t"));
    let closed = true;
    const { bus } = watched;
    const moody: Bus = {
      ...bus,
      publish: (events) =>
        closed ? Promise.reject(new RetryableError("no answer")) : bus.publish(events),
      deliveries: (options) => bus.deliveries(options),
    };
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    watched.start({ bus: moody });
    await watched.until(() => watched.lines.includes("the bus takes no events; trying again"));
    expect(await watched.cursor("db.t")).toMatchObject({ telling: true });
    closed = false;
    await watched.until(() => watched.events.length === 1);
    await watched.untilCursor("db.t", ({ telling }) => telling === undefined);
  });

  test("killed while it told of a table's first look: what landed before is backlog, later is news", async () => {
    await watched.plan(planTable("db.t"));
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-29")));
    await watched.commit(1, add("b", day("2025-09-30")));
    const silent: Bus = {
      ...watched.bus,
      publish: () => Promise.reject(new RetryableError("no answer")),
      deliveries: (options) => watched.bus.deliveries(options),
    };
    watched.start({ bus: silent });
    await watched.untilCursor("db.t", ({ telling }) => telling === true);
    await watched.end();
    await watched.commit(2, add("c", day("2025-09-29")));
    watched.start();
    await watched.until(() => watched.events.length === 2);
    const told = watched.events.map(({ partition, backlog }) => `${partition} ${backlog}`);
    expect(told.sort()).toEqual(["2025-09-29 false", "2025-09-30 true"]);
  });

  test("a commit still being written in place is read when it is whole", async () => {
    await watched.plan(planTable("db.t"), planTable("db.other"));
    watched.start();
    await looked();
    const name = join(watched.folder.root, commitObject("db/t", 0));
    mkdirSync(join(name, ".."), { recursive: true });
    const text = [metaData("t", "ds"), add("a", day("2025-09-30"))]
      .map((line) => JSON.stringify(line))
      .join("\n");
    writeFileSync(name, text.slice(0, -20));
    await watched.until(() => watched.lines.length > 0);
    expect(watched.lines[0]).toBe(
      `${commitObject("db/t", 0)} is cut off or not JSON in line 2; it is read again when it changes, and later commits of the table wait for it for 60 s`,
    );
    writeFileSync(name, text);
    await watched.until(() => watched.events.length === 1);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0"]);
  });

  test("a commit that stays broken is passed over, other tables never wait, and repairing it is seen", async () => {
    await watched.plan(planTable("db.t"), planTable("db.other"));
    watched.start({ pace: { beatMs: 10, saveMs: 10, reconcileMs: 50, patienceMs: 300 } });
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await writeCommit(watched.lake, "db/t", { version: 1, body: '{"add":{"path"' });
    await watched.commit(2, add("c", day("2025-10-02")));
    await writeCommit(watched.lake, "db/other", {
      version: 0,
      body: [metaData("o", "ds"), add("a", day("2025-09-30"))],
    });
    await watched.until(() => watched.told("db.other").length === 1);
    await watched.until(() => watched.told("db.t").length === 2);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-10-02@0.2"]);
    const about = watched.lines.filter(
      (line) => line.includes("00001.json") || line.includes("commit 1"),
    );
    expect(about).toHaveLength(2);
    expect(about[1]).toContain("passed over");
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.until(() => watched.told("db.t").length === 3);
    expect(watched.told("db.t")[1]).toBe("2025-10-01@0.1");
  });

  test("a repaired commit that cannot be read at once is read when it can", async () => {
    await watched.plan(planTable("db.t"));
    let away = false;
    const lake: ObjectStore = {
      ...watched.lake,
      read: (name) =>
        away && name === commitObject("db/t", 1)
          ? Promise.reject(new RetryableError("no answer"))
          : watched.lake.read(name),
    };
    watched.start({ lake });
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.commit(2, add("c", day("2025-10-03")));
    await watched.until(() => watched.events.length === 3);
    away = true;
    await watched.commit(1, add("b", day("2025-10-02")));
    await watched.until(() => watched.lines.some((line) => line.includes("cannot be looked at")));
    away = false;
    await watched.until(() => watched.events.length === 4);
    expect(watched.told("db.t")).toContain("2025-10-02@0.1");
  });

  test("after a commit that was passed over, one that only takes away does not make the day deaf", async () => {
    await watched.plan(planTable("db.t"));
    watched.start({ pace: { beatMs: 10, saveMs: 10, reconcileMs: 50, patienceMs: 100 } });
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await writeCommit(watched.lake, "db/t", { version: 1, body: '{"add":{"path"' });
    await watched.commit(2, add("c", day("2025-10-02")));
    await watched.until(() => watched.told("db.t").length === 2);
    await watched.commit(3, remove("a", day("2025-09-30")));
    await watched.until(() => watched.told("db.t").includes("2025-09-30@0.3"));
    await watched.commit(4, add("d", day("2025-09-30")));
    await watched.until(() => watched.told("db.t").includes("2025-09-30@0.4"));
    expect(watched.told("db.t").filter((told) => !told.includes("@0."))).toEqual([]);
  });

  test("a table with a reader feature nobody here knows is not guessed at", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    const protocol = {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ["catalogManaged"],
    };
    await watched.commit(0, { protocol }, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.lines.length > 0);
    expect(watched.lines).toEqual([
      `${commitObject("db/t", 0)} needs catalogManaged, which Landfall does not know: the table's landings are not seen; land them by hand or update Landfall`,
    ]);
    expect(watched.events).toEqual([]);
  });

  test("hostile file names are no landings and no trouble", async () => {
    await watched.plan(planTable("db.t"), planTable("__proto__.constructor"));
    watched.start();
    await looked("__proto__.constructor");
    const hostile = [
      "__proto__/constructor/_delta_log/x.json",
      "db/t/_delta_log/$(touch pwned).json",
      "db/t/_delta_log/00000000000000000000.json/inner",
      "db/t/ds=`id`/_SUCCESS",
      "db/t/ds=%/_SUCCESS",
      "db/t/\n/_SUCCESS",
      `db/t/${"x".repeat(200)}=${"y".repeat(40)}/_SUCCESS`,
    ];
    for (const name of hostile) await watched.lake.write(name, Buffer.from("{}"));
    await writeCommit(watched.lake, "__proto__/constructor", {
      version: 0,
      body: [metaData("p", "ds"), add("a", day("2025-09-30"))],
    });
    await watched.until(() => watched.told("__proto__.constructor").length === 1);
    expect(watched.told("db.t")).toEqual([]);
  });

  test("a log that cannot be read is told in one line, and seen once it can be", async () => {
    await watched.plan(planTable("db.t"), planTable("db.other"));
    mkdirSync(join(watched.folder.root, "db/t"), { recursive: true });
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await writeCommit(watched.lake, "db/other", {
      version: 0,
      body: [metaData("o", "ds"), add("a", day("2025-09-30"))],
    });
    // What a folder without the right to read it answers; tests may run as root, who has it.
    let locked = true;
    const guarded: ObjectStore = {
      ...watched.lake,
      list: (prefix, options) =>
        locked && prefix.startsWith("db/t/")
          ? Promise.reject(new PermanentError(`cannot list ${prefix}: permission denied`))
          : watched.lake.list(prefix, options),
    };
    watched.start({ lake: guarded });
    await watched.until(() => watched.told("db.other").length === 1 && watched.lines.length > 0);
    expect(watched.lines).toEqual([
      "db.t cannot be looked at: cannot list db/t/_delta_log/: permission denied",
    ]);
    locked = false;
    await watched.until(() => watched.told("db.t").length === 1);
  });

  test("columns the readers do not name, and places that cannot be, are told once", async () => {
    await watched.plan(planTable("db.t", { partitionColumns: ["dt"] }), planTable("a.b.c.d"));
    watched.start();
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.until(() => watched.lines.length === 2);
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: 1 });
    expect(watched.lines).toEqual([
      'cannot tell where a.b.c.d lies in the lake; set tables["a.b.c.d"].path',
      "db.t is partitioned by ds, but its readers name dt; it lands nothing",
    ]);
  });

  test("a log cleaned up at its beginning while nobody watched is taken up where it begins", async () => {
    await watched.plan(planTable("db.t"));
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    watched.start();
    await watched.untilCursor("db.t", ({ contiguous }) => contiguous === 0);
    await watched.end();
    rmSync(join(watched.folder.root, commitObject("db/t", 0)));
    await watched.lake.write(
      "db/t/_delta_log/00000000000000000004.checkpoint.parquet",
      Buffer.from("PAR1"),
    );
    await watched.commit(5, add("b", day("2025-10-01")));
    watched.start();
    await watched.until(() => watched.told("db.t").length === 2);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-10-01@0.5"]);
    expect(watched.lines.some((line) => line.includes("does not begin at commit 0"))).toBe(true);
  });
});
