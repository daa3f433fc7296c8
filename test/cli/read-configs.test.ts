import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "../../cli/errors.ts";
import { planText } from "../../cli/plan-text.ts";
import { readConfigs } from "../../cli/read-configs.ts";
import { sha256Hex } from "../../core/hash.ts";
import { compileFiles, file, groupBy, stagingQuery } from "../support/configs.ts";

let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "landfall-configs-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `text of ${path}`);
  }
}

const pathsIn = async (dir = folder) => (await readConfigs(dir)).map(({ path }) => path);

describe("a config repository", () => {
  test("holds production/ and compiled/, team files beside and in them", async () => {
    write(
      "teams.json",
      "README.md",
      "src/group_bys/risk/a.py",
      "production/group_bys/risk/a.v1",
      "compiled/joins/risk/b.v1__0",
      "compiled/teams_metadata/risk/risk_team_metadata",
    );
    const expected = [
      "compiled/joins/risk/b.v1__0",
      "compiled/teams_metadata/risk/risk_team_metadata",
      "production/group_bys/risk/a.v1",
      "teams.json",
    ];
    expect(await pathsIn()).toEqual(expected);
    expect(await readConfigs(folder)).toContainEqual({
      path: "teams.json",
      text: "text of teams.json",
      hash: sha256Hex("text of teams.json"),
    });
  });

  test("may be one of them, and still has its teams", async () => {
    write("teams.json", "production/group_bys/risk/a.v1", "compiled/joins/risk/b.v1__0");
    expect(await pathsIn(join(folder, "production"))).toEqual([
      "production/group_bys/risk/a.v1",
      "teams.json",
    ]);
  });

  test("may be the folder that holds the types, whatever it is called", async () => {
    write("group_bys/risk/a.v1", "notes/x");
    expect(await pathsIn()).toEqual(["group_bys/risk/a.v1"]);
  });

  test("dot files, and links that lead out or to folders, are left alone", async () => {
    const outside = mkdtempSync(join(tmpdir(), "landfall-outside-"));
    writeFileSync(join(outside, "secret"), "secret");
    write("production/group_bys/risk/a.v1", "production/.git/config", "production/joins/.DS_Store");
    const risk = join(folder, "production/group_bys/risk");
    symlinkSync(join(outside, "secret"), join(risk, "secret"));
    symlinkSync(outside, join(risk, "outside"));
    symlinkSync(folder, join(risk, "loop"));
    symlinkSync(join(risk, "a.v1"), join(risk, "same"));
    expect(await pathsIn()).toEqual([
      "production/group_bys/risk/a.v1",
      "production/group_bys/risk/same",
    ]);
    rmSync(outside, { recursive: true });
  });

  test("is not read through a link that leads out", async () => {
    const outside = mkdtempSync(join(tmpdir(), "landfall-outside-"));
    mkdirSync(join(outside, "group_bys"));
    writeFileSync(join(outside, "group_bys", "a"), "a");
    symlinkSync(outside, join(folder, "production"));
    await expect(readConfigs(folder)).rejects.toThrow(/^no configs in /);
    rmSync(outside, { recursive: true });
  });
});

describe("what cannot be read is named in one line", () => {
  test("no such directory, a file, and a directory without configs", async () => {
    write("file");
    for (const dir of ["nowhere", "file", "."]) {
      const failure: unknown = await readConfigs(join(folder, dir)).catch(
        (cause: unknown) => cause,
      );
      expect(failure).toBeInstanceOf(UsageError);
      expect(String(failure)).not.toContain("\n");
      expect(String(failure)).toContain(dir === "." ? "must hold or be production/" : dir);
    }
  });

  test("a file far too big to be a conf is not read", async () => {
    write("production/group_bys/risk/a.v1", "production/group_bys/risk/huge");
    truncateSync(join(folder, "production/group_bys/risk/huge"), 100 * 1024 * 1024);
    const huge = (await readConfigs(folder)).find(({ path }) => path.endsWith("huge"));
    expect(huge).toMatchObject({ text: "", unreadable: expect.stringContaining("100 MB") });
  });

  const isRoot = process.getuid?.() === 0;
  if (isRoot) console.log("skipped: permissions do not stop root from reading");
  test.skipIf(isRoot)("a file and a folder without permission", async () => {
    write(
      "production/group_bys/risk/a.v1",
      "production/group_bys/risk/b.v1",
      "production/joins/x/c",
    );
    chmodSync(join(folder, "production/group_bys/risk/b.v1"), 0);
    const closed = (await readConfigs(folder)).find(({ path }) => path.endsWith("b.v1"));
    expect(closed?.unreadable).toContain("no permission to read");
    chmodSync(join(folder, "production/joins/x"), 0);
    await expect(readConfigs(folder)).rejects.toThrow(/no permission to read .*joins\/x/);
    chmodSync(join(folder, "production/joins/x"), 0o700);
  });
});

describe("a plan for people", () => {
  const long = `risk.${"a_rather_long_name_of_a_group_by.".repeat(5)}v1`;
  const plan = compileFiles([
    file("group_bys", groupBy(long, {}, { online: 1 })),
    file("staging_queries", stagingQuery("risk.sq")),
    file("models", { metaData: { name: "risk.model", team: "risk" } }),
    { path: `compiled/joins/risk/${"\u001b[2J"}evil`, text: "{" },
  ]);
  const text = planText(plan);

  test("fits in 100 columns, whatever the names", () => {
    // oxlint-disable-next-line no-control-regex
    const plain = text.replaceAll(/\u001b\[[0-9;]*m/g, "");
    expect(Math.max(...plain.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test("has every section and no character from a file that a terminal would obey", () => {
    for (const title of ["pipelines", "tables", "not scheduled", "problems"]) {
      expect(text).toContain(title);
    }
    expect(text).not.toContain("\u001b[2J");
    expect(text).toContain("1 errors");
  });
});
