import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readLandings } from "../../lake/delta-reader.ts";
import { actions, lakeTableOf, planTable, temporaryLake, writeCommit } from "../support/lake.ts";
import { landfall } from "../support/landfall.ts";

describe("landfall land", () => {
  let opened: ReturnType<typeof temporaryLake>;
  beforeEach(() => {
    opened = temporaryLake();
  });
  afterEach(() => opened.remove());

  /** Runs the command as a process of its own; answers its exit code and what it printed. */
  const land = async (...words: string[]) => {
    const { code, stdout, stderr } = await landfall("land", ...words, "--lake", opened.root);
    return { code, out: code === 0 ? stdout : stderr };
  };
  const landings = async (name: string) => {
    const { landings: all } = await readLandings(opened.lake, lakeTableOf(planTable(name)));
    return Object.fromEntries(all.get(name) ?? []);
  };

  test("lands a day, replaces it, and adds to it", async () => {
    expect(await land("data.events", "2025-09-30", "--rows", "10")).toMatchObject({ code: 0 });
    expect(await landings("data.events")).toMatchObject({
      "2025-09-30": { state: "landed", version: { n: 0 }, rows: 10 },
    });
    await land("data.events", "2025-09-30", "--rows", "3");
    const { out } = await land("data.events", "2025-09-30", "--rows", "4", "--append");
    expect(out).toBe(`data.events@2025-09-30: 4 rows, commit 2 of ${opened.root}/data/events\n`);
    const files = await opened.lake.list("data/events/ds=2025-09-30/");
    expect(files).toHaveLength(3);
  });

  test("asks a table that is there for its column and spelling", async () => {
    await writeCommit(opened.lake, "data/events", {
      version: 0,
      body: [actions.metaData("t", "dt"), actions.add("a", { dt: "20250929" })],
    });
    expect((await land("data.events", "2025-09-30")).code).toBe(0);
    const object = await opened.lake.read("data/events/_delta_log/00000000000000000001.json");
    expect(Buffer.from(object?.bytes ?? []).toString()).toContain('{"dt":"20250930"}');
  });

  test("lands a sub-partition with both values", async () => {
    expect((await land("data.events/hr=00:00", "2025-09-30")).code).toBe(0);
    expect(await landings("data.events/hr=00:00")).toMatchObject({ "2025-09-30": { rows: 1_000 } });
    const { code, out } = await land("data.events", "2025-09-30");
    expect(code).toBe(2);
    expect(out).toContain("partitioned by ds, hr; name the table as <table>/hr=…");
  });

  test.each([
    [["data.events", "2025-02-30"], "is no day; a partition is written yyyy-MM-dd"],
    [["data.events", "yesterday"], "is no day"],
    [["../out", "2025-09-30"], "is no table; a table is db.table"],
    [["data.events", "2025-09-30", "--rows", "-1"], "must be a whole number"],
    [["data.events"], "missing required argument 'partition'"],
  ])("%j is a usage error in one line, and writes nothing", async (words, line) => {
    const { code, out } = await land(...words);
    expect(code).toBe(2);
    expect(out).toContain(line);
    expect(out).not.toContain("    at ");
    expect(await opened.lake.list("")).toEqual([]);
  });
});
