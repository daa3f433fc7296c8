import { afterEach, describe, expect, test } from "vitest";
import { type AlertingPlace, alertingPlace } from "../support/alerting-place.ts";
import { landings, task } from "../support/documents.ts";
import { input, step } from "../support/plan.ts";

const now = Date.parse("2025-10-02T06:00:00Z");
const minute = 60_000;

let at: AlertingPlace;

afterEach(() => at.close());

describe("a table that is late", () => {
  const dayMs = 86_400_000;
  const late = { late: { tables: { "db.events": 2 } } };
  const landing = (seenBy: "delta" | "marker" = "delta") =>
    ({ state: "landed", version: { epoch: 0, n: 1 }, at: now - 30 * dayMs, seenBy }) as const;
  const october = (partitions: Readonly<Record<string, ReturnType<typeof landing>>>) =>
    landings("db.events", { month: "2025-10", partitions });
  const opened = "opened dependency-late risk 1";
  const closed = "closed dependency-late risk 1";
  /** Enough looks for what is over to be closed and deleted. */
  const looksOnce = async (look: () => Promise<void>) => {
    for (let n = 0; n < 4; n += 1) {
      await look();
      at.passes(minute);
    }
  };

  test("its alert stays while newer days land, also over a restart, and is closed once by its day", async () => {
    at = await alertingPlace(now, late);
    await at.release(step("a", [input("db.events")]));
    await looksOnce(at.looks());
    expect(at.told()).toEqual([opened]);
    await at.seen(october({ "2025-10-02": landing(), "2025-10-03": landing() }));
    at.passes(2 * dayMs);
    const look = at.looks();
    await looksOnce(look);
    expect(at.told()).toEqual([opened]);
    expect((await at.open())[0]?.awaited).toEqual([
      { table: "db.events", partition: "2025-10-01" },
    ]);
    const before = at.ports.store.counters().documentsRead;
    await look();
    // Three indexes, the metadata's head, the alert, two months of the table and the task that waits.
    expect(at.ports.store.counters().documentsRead - before).toBe(8);
    await at.seen(
      october({ "2025-10-01": landing(), "2025-10-02": landing(), "2025-10-03": landing() }),
    );
    await looksOnce(look);
    expect(at.told()).toEqual([opened, closed]);
    await looksOnce(look);
    await looksOnce(at.looks());
    expect(at.told()).toEqual([opened, closed]);
    expect(await at.open()).toEqual([]);
  });

  test("two of its days are one alert, over when both are there", async () => {
    at = await alertingPlace(now, late);
    const look = at.looks();
    await at.release(step("a", [input("db.events")]));
    await looksOnce(look);
    at.passes(dayMs);
    await looksOnce(look);
    const two = ["opened dependency-late risk 1", "updated dependency-late risk 2"];
    expect(at.told()).toEqual(two);
    await at.seen(october({ "2025-10-02": landing() }));
    at.passes(dayMs);
    await at.seen(october({ "2025-10-02": landing(), "2025-10-03": landing() }));
    await looksOnce(look);
    expect(at.told()).toEqual(two);
    await at.seen(
      october({ "2025-10-01": landing(), "2025-10-02": landing(), "2025-10-03": landing() }),
    );
    await looksOnce(look);
    expect(at.told()).toEqual([...two, closed]);
  });

  test("files without the word that closes their day are late, until it is said", async () => {
    at = await alertingPlace(now, late, { externalClosing: { when: "marker" } });
    const look = at.looks();
    await at.release(step("a", [input("db.events")]));
    await at.seen(october({ "2025-10-01": landing() }));
    await looksOnce(look);
    expect(at.told()).toEqual([opened]);
    expect((await at.open())[0]?.summary).toContain("open (no _SUCCESS was seen)");
    await at.seen(october({ "2025-10-01": landing("marker") }));
    await looksOnce(look);
    expect(at.told()).toEqual([opened, closed]);
  });

  test("it is over when nobody waits for it: its tasks were cancelled, or ran without it", async () => {
    at = await alertingPlace(now, late);
    const look = at.looks();
    const names = ["a", "b", "c", "d"];
    await at.release(...names.map((name) => step(name, [input("db.events")])));
    await looksOnce(look);
    const first = (name: string) => `${name}/backfill@2025-10-01`;
    const cancelled = (id: string) => task(id, { state: { kind: "cancelled", run: 1, at: now } });
    await at.put(...["a", "b", "c"].map((name) => cancelled(first(name))), task(first("d")));
    await looksOnce(look);
    expect(at.told()).toEqual([opened]);
    await at.put(task(first("d"), { state: { kind: "succeeded", run: 1, at: now, remark: null } }));
    await looksOnce(look);
    expect(at.told()).toEqual([opened, closed]);
  });
});
