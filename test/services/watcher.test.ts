import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commitObject } from "../../lake/delta-log.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import { actions, planTable } from "../support/lake.ts";
import { Watched, withoutNotifications } from "../support/watched.ts";

const { add, remove, metaData } = actions;
const day = (ds: string) => ({ ds });

describe("watcher", () => {
  let watched: Watched;
  beforeEach(() => {
    watched = new Watched();
  });
  afterEach(() => watched.close());

  /** Waits until the table was looked at, so that what comes later is news. */
  const looked = (table = "db.t") => watched.untilCursor(table, () => true);

  test("a commit becomes a landing with rows, bytes and time", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.events.length > 0);
    expect(watched.events[0]).toEqual({
      kind: "partition-landed",
      schema: 1,
      table: "db.t",
      partition: "2025-09-30",
      backlog: false,
      landing: {
        state: "landed",
        version: { epoch: 0, n: 0 },
        rows: 10,
        bytes: 100,
        at: 0,
        seenBy: "delta",
      },
    });
  });

  test("a table new to the plan is read whole, as backlog; then commits are news", async () => {
    await watched.commit(
      0,
      metaData("t", "ds"),
      add("a", day("2025-09-29")),
      add("b", day("2025-09-30")),
    );
    await watched.commit(1, remove("a", day("2025-09-29")), add("c", day("2025-09-30")));
    // Files younger than a tick of their clock are notified by the watch that begins.
    await new Promise((resolve) => setTimeout(resolve, 50));
    watched.start();
    await watched.plan(planTable("db.t"));
    await watched.untilCursor("db.t", ({ contiguous }) => contiguous === 1);
    await watched.commit(2, add("d", day("2025-10-01")));
    await watched.until(() => watched.events.length > 1);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.1", "2025-10-01@0.2"]);
    expect(watched.events.map(({ backlog }) => backlog)).toEqual([true, false]);
  });

  test("commits that come out of order are told in order of the log, none twice", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.commit(2, add("c", day("2025-10-02")));
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.until(
      () => watched.lines.some((line) => line.includes("is missing")) || watched.events.length > 0,
    );
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.events.length === 3);
    expect(watched.events.map(({ landing }) => landing.version.n)).toEqual([0, 1, 2]);
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: 2 });
  });

  test("a notified gap is read at once, without waiting for reconciling", async () => {
    await watched.plan(planTable("db.t"));
    const silent = withoutNotifications(watched.lake, (name) => name.endsWith("2.json"));
    watched.start({ lake: silent });
    await looked();
    for (const n of [0, 1, 2]) {
      await watched.commit(
        n,
        ...(n === 0 ? [metaData("t", "ds")] : []),
        add(`${n}`, day(`2025-10-0${n + 1}`)),
      );
    }
    await watched.until(() => watched.events.length === 3);
    expect(watched.told("db.t")).toEqual(["2025-10-01@0.0", "2025-10-02@0.1", "2025-10-03@0.2"]);
  });

  test("lost notifications are made up for by reconciling", async () => {
    await watched.plan(planTable("db.t"));
    watched.start({
      lake: withoutNotifications(watched.lake, () => false),
      pace: { beatMs: 10, saveMs: 10, reconcileMs: 50 },
    });
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.until(() => watched.events.length === 1);
    await watched.commit(1, add("b", day("2025-10-01")));
    await watched.until(() => watched.events.length === 2);
  });

  test("a table made anew is a new epoch, which is told beside what it has", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.commit(
      0,
      metaData("t", "ds"),
      add("a", day("2025-09-29")),
      add("b", day("2025-09-30")),
    );
    await watched.commit(1, add("c", day("2025-10-01")));
    await watched.until(() => watched.events.length === 3);
    rmSync(join(watched.folder.root, "db"), { recursive: true });
    await watched.commit(0, metaData("u", "ds"), add("d", day("2025-09-30")));
    await watched.until(() => watched.events.length >= 4);
    expect(watched.recreated).toContainEqual({
      kind: "table-recreated",
      schema: 1,
      table: "db.t",
      epoch: 1,
    });
    expect(watched.told("db.t").filter((line) => line.includes("@1."))).toEqual(["2025-09-30@1.0"]);
    await watched.untilCursor("db.t", ({ epoch, tableId }) => epoch === 1 && tableId === "u");
  });

  test("a table made anew while nobody watched is noticed, even when its log is longer", async () => {
    await watched.plan(planTable("db.t"));
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    watched.start();
    await watched.untilCursor("db.t", ({ contiguous }) => contiguous === 0);
    await watched.end();
    rmSync(join(watched.folder.root, "db"), { recursive: true });
    await watched.commit(0, metaData("u", "ds"), add("b", day("2025-09-30")));
    await watched.commit(1, add("c", day("2025-10-01")));
    watched.start();
    await watched.until(() => watched.told("db.t").length === 3);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-09-30@1.0", "2025-10-01@1.1"]);
  });

  test("a table made anew is noticed although its new log went on where the old one had ended", async () => {
    await watched.plan(planTable("db.t"));
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    watched.start({
      lake: withoutNotifications(watched.lake, (name) => name.endsWith("1.json")),
      pace: { beatMs: 10, saveMs: 10, reconcileMs: 50 },
    });
    await watched.untilCursor("db.t", ({ contiguous }) => contiguous === 0);
    rmSync(join(watched.folder.root, "db"), { recursive: true });
    await watched.commit(0, metaData("u", "ds"), add("b", day("2025-10-01")));
    await watched.commit(1, add("c", day("2025-10-02")));
    await watched.untilCursor("db.t", ({ epoch, tableId }) => epoch === 1 && tableId === "u");
    await watched.until(() => watched.told("db.t").includes("2025-10-02@1.1"));
  });

  test("metaData with another id in the middle of a log is a new epoch from there on", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.commit(0, metaData("t", "ds"), add("a", day("2025-09-30")));
    await watched.commit(
      1,
      metaData("u", "ds"),
      remove("a", day("2025-09-30")),
      add("b", day("2025-10-01")),
    );
    await watched.until(() => watched.told("db.t").length === 3);
    expect(watched.told("db.t")).toEqual([
      "2025-09-30@0.0",
      "2025-09-30@1.1 gone",
      "2025-10-01@1.1",
    ]);
  });

  test("288 commits of one day are all told, in a row, with the cursor behind the last", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    for (let n = 0; n < 288; n += 1) {
      await commitDelta(
        watched.lake,
        { path: "db/t", partitionColumn: "ds" },
        {
          partitions: [{ partition: "2025-09-30", rows: 1 }],
          mode: "append",
          operation: "WRITE",
          engineInfo: "test",
          at: n,
        },
      );
    }
    await watched.until(() => watched.events.some(({ landing }) => landing.version.n === 287));
    await watched.end();
    expect(await watched.cursor("db.t")).toMatchObject({ contiguous: 287 });
    const versions = watched.events.map(({ landing }) => landing.version.n);
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(versions).toHaveLength(288);
  });

  test("OPTIMIZE lands nothing, taking the last file away makes a partition gone", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    const rows = day("2025-09-30");
    await watched.commit(0, metaData("t", "ds"), add("a", rows), add("b", rows));
    await watched.commit(
      1,
      remove("a", rows, { dataChange: false }),
      remove("b", rows, { dataChange: false }),
      add("ab", rows, { dataChange: false }),
    );
    await watched.until(() => watched.events.length === 1);
    await watched.commit(2, remove("ab", null));
    await watched.until(() => watched.told("db.t").length === 2);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-09-30@0.2 gone"]);
  });

  test("sub-partitions land under their own name, values that are no day under none", async () => {
    await watched.plan(planTable("db.t"), planTable("db.t/hr=00:00"));
    watched.start();
    await looked();
    await watched.commit(
      0,
      metaData("t", "ds", "hr"),
      add("a", { ds: "2025-09-30", hr: "00:00" }),
      add("b", { ds: "2025-10-01", hr: "01:00" }),
      add("c", { ds: null, hr: "01:00" }),
      add("d", { ds: "__HIVE_DEFAULT_PARTITION__", hr: "00:00" }),
    );
    await watched.until(() => watched.events.length === 3);
    expect(watched.told("db.t")).toEqual(["2025-09-30@0.0", "2025-10-01@0.0"]);
    expect(watched.told("db.t/hr=00:00")).toEqual(["2025-09-30@0.0"]);
    expect(watched.lines).toEqual([
      'db.t has values of ds that are no day ("null"); they land nothing',
    ]);
  });

  test("a commit renamed into place by another program is told, and ticks go on", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    mkdirSync(join(watched.folder.root, "db/t/_delta_log"), { recursive: true });
    const temporary = join(watched.folder.root, "db/t/_delta_log/_commit_x.json.tmp");
    writeFileSync(
      temporary,
      [metaData("t", "ds"), add("a", day("2025-09-30"))]
        .map((line) => JSON.stringify(line))
        .join("\n"),
    );
    chmodSync(temporary, 0o444);
    renameSync(temporary, join(watched.folder.root, commitObject("db/t", 0)));
    await watched.until(() => watched.events.length === 1);
  });
});
