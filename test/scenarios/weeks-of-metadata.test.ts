import { afterEach, expect, test } from "vitest";
import { metadataText } from "../../cli/metadata-text.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { PermanentError } from "../../ports/errors.ts";
import { type Joins, type MetadataPlace, metadataPlace, table } from "../support/metadata-place.ts";

const hourMs = 3_600_000;

let at: MetadataPlace;

afterEach(() => at.close());

/** Ten days of metadata as an operator sees them by `landfall metadata`, told from the beginning. */
test("a table that is missing, releases, a roll-back, a config that goes and comes back", async () => {
  at = metadataPlace();
  const { keyValueStore } = at;
  const missing = "table CHRONON_METADATA or its instance is not there: create it, or name another";
  let there = false;
  const online = {
    ...keyValueStore,
    cellsKeptMs: async () => 5 * 24 * hourMs,
    async write(...args: Parameters<typeof keyValueStore.write>) {
      if (!there) throw new PermanentError(missing);
      await keyValueStore.write(...args);
    },
  };
  const story: string[] = [];
  const told = async (what: string) => {
    const text = metadataText({ head: await at.head(), rows: await at.rows() });
    const served = Object.entries(await at.served(["risk.a", "risk.b", "growth.c"]));
    const time = new Date(at.clock.now()).toISOString().slice(0, 16);
    story.push(`${time} ${what}`, `  served: ${served.map((one) => one.join(" ")).join(", ")}`);
    story.push(...text.split("\n").map((line) => `  ${line}`), "");
  };
  const released = async (joins: Joins, what: string) => {
    await at.release(joins);
    await at.pass(60_000);
    await told(what);
  };

  at.start("dispatcher", { ...at, keyValueStore: online });
  const all = { "risk.a": "1", "risk.b": "1", "growth.c": "1" };
  await released(all, "three joins are released, and nobody made the table");
  there = true;
  await at.pass(hourMs);
  await told("the table is made");
  await released({ ...all, "risk.b": "2" }, "a join changes");
  await released(all, "and is rolled back");
  await released({ "risk.a": "1", "risk.b": "1" }, "a join goes");
  await at.pass(24 * hourMs);
  await told("a day later all but that are refreshed");
  await released(all, "it comes back");
  await released({ "risk.a": "1", "risk.b": "1" }, "it goes for good");
  // What a table of five days does by itself.
  const key = metadataRowKey(table, "joins/growth.c");
  await keyValueStore.delete(table, [{ key, timestamp: at.clock.now() }]);
  await at.pass(7 * 24 * hourMs);
  await told("a week later the table has dropped it, and it is forgotten");
  await expect(`${story.join("\n")}`).toMatchFileSnapshot("weeks-of-metadata.txt");
});
