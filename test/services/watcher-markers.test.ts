import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Settings } from "../../schemas/settings.ts";
import { planTable } from "../support/lake.ts";
import { knownByDispatcher, Watched } from "../support/watched.ts";

describe("watcher of markers", () => {
  let watched: Watched;
  beforeEach(() => {
    watched = new Watched();
  });
  afterEach(() => watched.close());

  /** Waits until the table was looked at, so that what comes later is news. */
  const looked = () => watched.untilCursor("db.t", () => true);

  test("markers land days, and an hour's marker its hour", async () => {
    await watched.plan(planTable("db.t"), planTable("db.t/hr=13"));
    watched.start({
      settings: Settings.parse({ tables: { "db.t": { closing: { when: "marker" } } } }),
    });
    await looked();
    await watched.lake.write("db/t/ds=2025-09-30/hr=13/_SUCCESS", Buffer.from(""));
    await watched.until(() => watched.told("db.t/hr=13").length === 1);
    await watched.lake.write("db/t/ds=2025-09-30/_SUCCESS", Buffer.from(""));
    await watched.until(() => watched.told("db.t").length === 1);
    expect(watched.told("db.t/hr=13")).toHaveLength(2);
    const [info] = await watched.lake.list("db/t/ds=2025-09-30/_SUCCESS");
    expect(watched.events.find(({ table }) => table === "db.t")?.landing).toEqual({
      state: "landed",
      version: { epoch: 0, n: info?.generation },
      at: info?.updatedAt,
      seenBy: "marker",
    });
  });

  test.each(["marker", "at-landing"] as const)(
    "markers that were there are backlog, those of a restart's absence news (%s)",
    async (when) => {
      await watched.lake.write("db.db/t/ds=2025-09-29/_SUCCESS", Buffer.from(""));
      await watched.lake.write("db.db/t/ds=2025-09-29/part-0.parquet", Buffer.from("x"));
      await watched.plan(planTable("db.t"));
      const settings = Settings.parse({ tables: { "db.t": { closing: { when } } } });
      watched.start({ settings });
      await watched.until(() => watched.events.length === 1);
      expect(watched.events[0]).toMatchObject({ partition: "2025-09-29", backlog: true });
      await knownByDispatcher(watched);
      await looked();
      await watched.end();
      await watched.lake.write("db.db/t/ds=2025-09-30/_SUCCESS", Buffer.from(""));
      watched.start({ settings, pace: { beatMs: 10, saveMs: 10, reconcileMs: 50 } });
      await watched.until(() => watched.events.length >= 2);
      expect(watched.events[1]).toMatchObject({ partition: "2025-09-30", backlog: false });
      expect(watched.told("db.t")).toHaveLength(2);
    },
  );

  test("a table's first marker is found, though no watcher looked when it came", async () => {
    await watched.plan(planTable("db.t"));
    watched.start();
    await looked();
    await watched.end();
    await watched.lake.write("db/t/ds=2025-09-30/_SUCCESS", Buffer.from(""));
    watched.start({ pace: { beatMs: 10, saveMs: 10, reconcileMs: 50 } });
    await watched.until(() => watched.told("db.t").length === 1);
    expect(watched.events[0]).toMatchObject({ partition: "2025-09-30", backlog: false });
  });
});
