import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { readLandings } from "../../lake/delta-reader.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { actions, lakeTableOf, planTable, writeCommit } from "../support/lake.ts";

const { add, remove, metaData } = actions;
const table = lakeTableOf(planTable("db.t"));
const days = Array.from({ length: 20 }, (_, at) => `2025-09-${String(at + 1).padStart(2, "0")}`);

/** A log of one day a commit, whose last commit takes the first day away; and a lake to write it in. */
function place() {
  const objects = simulatedObjectStore({ clock: systemClock() });
  const lake = objects.open();
  const write = async (id: string, of: readonly string[]) => {
    for (const [version, ds] of of.entries()) {
      const head = version === 0 ? [metaData(id, "ds")] : [];
      await writeCommit(lake, "db/t", { version, body: [...head, add(`${id}-${ds}`, { ds })] });
    }
    const last = remove(`${id}-${of[0]}`, { ds: of[0] ?? "" });
    await writeCommit(lake, "db/t", { version: of.length, body: [last] });
  };
  return {
    write,
    /** The lake, in which somebody does something before the read of that number is answered. */
    during(nth: number, does: () => Promise<void>): ObjectStore {
      let reads = 0;
      return {
        ...lake,
        async read(name) {
          if (reads++ === nth) await does();
          return lake.read(name);
        },
      };
    },
    grow: (id: string, { version, day: ds }: { version: number; day: string }) =>
      writeCommit(lake, "db/t", { version, body: [add(`${id}-${ds}`, { ds })] }),
    async replace(id: string, of: readonly string[]) {
      objects.remove("db/t/");
      await write(id, of);
    },
    landed: async (store: ObjectStore = lake) => {
      const { tableId, landings } = await readLandings(store, table);
      const there = [...(landings.get("db.t") ?? [])].filter(([, { state }]) => state === "landed");
      const landed = there.map(([day]) => day).toSorted();
      return { tableId: tableId as "old" | "new", days: landed };
    },
  };
}

describe("a log that is replaced while it is read", () => {
  test("is read as it was or as it is, never as half of each, whenever that happens", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 20 }), async (nth, length) => {
        const at = place();
        const whole = { old: days.slice(1, 12), new: days.slice(21 - length) };
        await at.write("old", days.slice(0, 12));
        const replaced: Promise<void>[] = [];
        const lake = at.during(nth, () => {
          const done = at.replace("new", days.slice(20 - length));
          replaced.push(done);
          return done;
        });
        const look = async () => {
          const seen = await at.landed(lake);
          // What is being written anew may be read before it is all there.
          const begun = days.slice(20 - length, 20 - length + seen.days.length);
          expect([whole[seen.tableId], begun]).toContainEqual(seen.days);
        };
        await look();
        if (replaced.length === 0) {
          whole.old.push("2025-10-01");
          await at.grow("old", { version: 13, day: "2025-10-01" });
        }
        await look();
        await Promise.all(replaced);
        const last = await at.landed(lake);
        expect(last.days).toEqual(whole[last.tableId]);
      }),
    );
  });

  test("again and again is left alone for a while", async () => {
    const at = place();
    await at.write("old", days);
    let times = 0;
    const open = at.during(-1, async () => {});
    const lake: ObjectStore = {
      ...open,
      async read(name) {
        const object = await open.read(name);
        if (name.endsWith("05.json")) await at.replace(`new-${(times += 1)}`, days);
        return object;
      },
    };
    await expect(at.landed(lake)).rejects.toThrow(RetryableError);
    await expect(at.landed(lake)).rejects.toThrow("is being replaced while it is read");
  });
});
