import { afterEach, beforeEach, expect, test } from "vitest";
import { actions, planTable } from "../support/lake.ts";
import { Watched } from "../support/watched.ts";

/** A release may read a table otherwise than the one before: what had landed, landed for its readers, too. */

const { add, metaData } = actions;
const day = { ds: "2025-09-29" };
let watched: Watched;
beforeEach(() => {
  watched = new Watched();
});
afterEach(() => watched.close());

async function toldOnce(): Promise<void> {
  await watched.commit(0, metaData("t", "ds", "hr"), add("a", { ...day, hr: "13" }));
  await watched.plan(planTable("db.t"));
  watched.start();
  await watched.until(() => watched.told("db.t").length === 1);
  await watched.untilCursor("db.t", ({ telling }) => telling === undefined);
}

const byHour = () => watched.plan(planTable("db.t"), planTable("db.t/hr=13"));

test("a reader of one hour hears of the hours that had landed, as backlog", async () => {
  await toldOnce();
  await byHour();
  await watched.until(() => watched.told("db.t/hr=13").length === 1);
  const [event] = watched.events.filter(({ table }) => table === "db.t/hr=13");
  expect(event).toMatchObject({ partition: "2025-09-29", backlog: true });
  await watched.untilCursor("db.t", ({ readAs }) => readAs?.includes("hr=13") === true);
  const before = watched.events.length;
  await watched.commit(1, add("b", { ds: "2025-09-30", hr: "13" }));
  await watched.until(() => watched.told("db.t/hr=13").length === 2);
  const later = watched.events.slice(before);
  expect(later.every(({ partition, backlog }) => partition === "2025-09-30" && !backlog)).toBe(
    true,
  );
});

test("so it does when no watcher ran while it was released", async () => {
  await toldOnce();
  await watched.end();
  await byHour();
  watched.start();
  await watched.until(() => watched.told("db.t/hr=13").length === 1);
});

test("a day column that is corrected lands what was there", async () => {
  await watched.commit(0, metaData("t", "day"), add("a", { day: "2025-09-29" }));
  await watched.plan(planTable("db.t"));
  watched.start();
  await watched.untilCursor("db.t", ({ contiguous }) => contiguous === 0);
  expect(watched.told("db.t")).toEqual([]);
  await watched.plan(planTable("db.t", { partitionColumns: ["day"] }));
  await watched.until(() => watched.told("db.t").length === 1);
  expect(watched.events[0]).toMatchObject({ partition: "2025-09-29", backlog: true });
});

test("read as before it is not told again by a new process", async () => {
  await toldOnce();
  await watched.end();
  const before = watched.events.length;
  watched.start();
  await watched.commit(1, add("b", { ds: "2025-09-30", hr: "13" }));
  await watched.until(() => watched.told("db.t").length === 2);
  expect(watched.events.slice(before).map(({ partition }) => partition)).toEqual(["2025-09-30"]);
});
