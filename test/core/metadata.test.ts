import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  deletions,
  goneRows,
  ledgerAfter,
  metadataRowKey,
  nextStep,
  remarkOn,
  rowsToWrite,
  wantedOf,
} from "../../core/metadata.ts";
import { pagesOf } from "../../core/metadata-pages.ts";
import type { MetadataDocument, WrittenRow } from "../../schemas/metadata.ts";
import type { MetadataRow } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import { compileFiles, file, groupBy, join, stagingQuery } from "../support/configs.ts";

const dayMs = 86_400_000;
const settings = Settings.parse({});

function row(key: string, hash: string, team = "risk"): MetadataRow {
  return { key, team, conf: { path: `compiled/${key}`, hash } };
}

function wanted(rows: Readonly<Record<string, string>>, more: Partial<Settings> = {}) {
  const planned = Object.entries(rows).map(([key, hash]) => row(key, hash));
  return wantedOf(planned, { ...settings, ...more });
}

function ledger(rows: Readonly<Record<string, string | WrittenRow>>): Map<string, WrittenRow> {
  return new Map(
    Object.entries(rows).map(([key, value]) => [
      key,
      typeof value === "string" ? { hash: value, uploadedAt: 1 } : value,
    ]),
  );
}

function head(more: Partial<MetadataDocument> = {}): MetadataDocument {
  const at = 10 * dayMs;
  const hash = wanted({ "joins/a": "1" }).hash;
  return {
    schema: 1,
    table: "CHRONON_METADATA",
    uploaded: { hash, release: "r", rows: 1, changed: 1, at, effectiveBy: at },
    refreshedAt: at,
    pages: ["a"],
    trouble: null,
    remark: null,
    writing: null,
    ...more,
  };
}

test("Chronon's worked row key", () => {
  const key = metadataRowKey("CHRONON_METADATA", "joins/gcp.training_set.v1_test__0");
  expect(Buffer.from(key).toString("hex")).toBe(
    "4348524f4e4f4e5f4d45544144415441236a6f696e732f6763702e747261696e696e675f7365742e76315f746573745f5f30",
  );
});

describe("rows of a plan", () => {
  const online = { online: 1 };
  const files = [
    file("joins", join("risk.checkout.v1")),
    file("group_bys", groupBy("risk.clicks.v1", {}, online)),
    file("group_bys", groupBy("risk.offline.v1")),
    file("staging_queries", stagingQuery("risk.export.v1")),
    file("model_transforms", { metaData: { name: "risk.score.v1", team: "risk" } }),
    file("models", { metaData: { name: "risk.model.v1", team: "risk" } }),
  ];
  const keys = (plan: ReturnType<typeof compileFiles>) => plan.metadata?.map(({ key }) => key);

  test("every join, GroupBys that are online, model transforms as models; keys are names as they are", () => {
    expect(keys(compileFiles(files))).toEqual([
      "group_bys/risk.clicks.v1",
      "joins/risk.checkout.v1",
      "models/risk.score.v1",
    ]);
  });

  test("a change of text alone is another plan: topics and descriptions are served too", () => {
    const before = compileFiles(files);
    const changed = compileFiles([
      file("joins", join("risk.checkout.v1", {}, { description: "other" })),
      ...files.slice(1),
    ]);
    expect(changed.hash).not.toBe(before.hash);
    const transforms = compileFiles([
      ...files.slice(0, 4),
      file("model_transforms", {
        metaData: { name: "risk.score.v1", team: "risk", description: "x" },
      }),
      ...files.slice(5),
    ]);
    expect(transforms.hash).not.toBe(before.hash);
  });

  test("a config with an error keeps its last good row, one without a file has none", () => {
    const previous = compileFiles(files);
    const { path } = file("joins", join("risk.checkout.v1"));
    const broken = compileFiles([{ path, text: "{" }, ...files.slice(2)], { previous });
    expect(keys(broken)).toEqual(["joins/risk.checkout.v1", "models/risk.score.v1"]);
    expect(broken.metadata?.[0]).toEqual(previous.metadata?.[1]);
  });
});

describe("what is wanted", () => {
  test("its hash changes with the table, a key or a content, not with the plan's order of teams", () => {
    const base = wanted({ "joins/a": "1", "joins/b": "1" });
    expect(wanted({ "joins/a": "1", "joins/b": "1" }).hash).toBe(base.hash);
    const metadata = { ...settings.metadata, table: "OTHER" };
    const others = [
      wanted({ "joins/a": "1", "joins/b": "2" }),
      wanted({ "joins/a": "1" }),
      wanted({ "joins/a": "1", "joins/c": "1" }),
      wanted({ "joins/a": "1", "joins/b": "1" }, { metadata }),
    ];
    expect(new Set([base, ...others].map(({ hash }) => hash)).size).toBe(5);
  });

  test("a team that writes its own is left alone: no row is written, none is taken for gone", () => {
    const teams = Settings.parse({ teams: { risk: { metadata: "others" } } }).teams;
    const left = wanted({ "joins/risk.a": "2" }, { teams });
    expect(rowsToWrite(ledger({ "joins/risk.a": "1" }), left, true)).toEqual([]);
    expect(goneRows(ledger({ "joins/risk.a": "1" }), left)).toEqual([]);
  });
});

describe("the next step", () => {
  const now = 10 * dayMs + 5;
  const asking = { wanted: wanted({ "joins/a": "1" }), now, by: "me", refreshMs: dayMs };

  test("rests until the refresh when the same is there, writes what changed when not", () => {
    expect(nextStep({ ...asking, head: head() })).toEqual({ kind: "rest", until: 11 * dayMs });
    const changed = { ...asking, wanted: wanted({ "joins/a": "2" }) };
    expect(nextStep({ ...changed, head: head() })).toEqual({ kind: "write", whole: false });
  });

  test("writes what changed, if anything, when somebody asked for a row to be deleted", () => {
    const asked = { ...asking, head: head({ asked: ["joins/gone"] }) };
    expect(nextStep(asked)).toEqual({ kind: "write", whole: false });
    expect(nextStep({ ...asking, head: head({ asked: [] }) })).toMatchObject({ kind: "rest" });
  });

  test("writes everything the first time, after a day, and into another table", () => {
    const everything = { kind: "write", whole: true };
    expect(nextStep({ ...asking, head: null })).toEqual(everything);
    expect(nextStep({ ...asking, head: head(), now: 11 * dayMs })).toEqual(everything);
    expect(nextStep({ ...asking, head: head({ table: "OLD" }) })).toEqual(everything);
  });

  test("M2: waits while another may write, and for its clock; goes on at once with its own", () => {
    const writing = { by: "other", until: now + 10, hash: asking.wanted.hash, whole: false };
    expect(nextStep({ ...asking, head: head({ writing }) })).toMatchObject({ kind: "wait" });
    const late = { ...asking, now: now + 10 + 5_000 };
    expect(nextStep({ ...late, head: head({ writing }) })).toMatchObject({ kind: "write" });
    const mine = head({ writing: { ...writing, by: "me" } });
    expect(nextStep({ ...asking, head: mine })).toEqual({ kind: "write", whole: false });
  });

  test("M3: of an upload that broke off for another release everything is written again", () => {
    const writing = { by: "other", until: 0, hash: "another", whole: false };
    expect(nextStep({ ...asking, head: head({ writing }) })).toEqual({
      kind: "write",
      whole: true,
    });
    const broken = head({ writing: { ...writing, hash: asking.wanted.hash, whole: true } });
    expect(nextStep({ ...asking, head: broken })).toEqual({ kind: "write", whole: true });
  });
});

describe("rows whose configs are gone", () => {
  const gone = ["joins/r0"];
  const rows = (count: number) =>
    ledger(Object.fromEntries(Array.from({ length: count }, (_, at) => [`joins/r${at}`, "1"])));

  test("M4: none is deleted unless asked, nor more than 5 % or 10 of them: all or none", () => {
    expect(deletions(gone, { ledger: rows(100), removal: "keep" })).toEqual([]);
    expect(deletions(gone, { ledger: rows(19), removal: "delete" })).toEqual([]);
    expect(deletions(gone, { ledger: rows(20), removal: "delete" })).toEqual(gone);
    const many = Array.from({ length: 11 }, (_, at) => `joins/r${at}`);
    expect(deletions(many, { ledger: rows(10_000), removal: "delete" })).toEqual([]);
    expect(deletions(many.slice(1), { ledger: rows(10_000), removal: "delete" })).toHaveLength(10);
  });

  test("M4: what somebody names is deleted, however much and whatever the setting; the rest is as before", () => {
    const many = Array.from({ length: 30 }, (_, at) => `joins/r${at}`);
    const asked = [...many.slice(0, 20), "joins/there"];
    const of = { ledger: rows(40), asked };
    expect(deletions(many, { ...of, removal: "keep" })).toEqual(many.slice(0, 20));
    expect(deletions(many, { ...of, removal: "delete" })).toEqual(many.slice(0, 20));
    expect(deletions(many.slice(0, 22), { ...of, removal: "delete" })).toEqual(many.slice(0, 22));
  });

  test("they keep their last writing, are written again when they come back, and are forgotten when dropped", () => {
    const without = wanted({ "joins/b": "1" });
    const pass = { wanted: without, written: new Set<string>(), deleted: new Set<string>() };
    const times = { at: 50, refreshedAt: 40, keptMs: 5 * dayMs };
    const after = ledgerAfter(ledger({ "joins/a": "1", "joins/b": "1" }), { ...pass, ...times });
    expect(after.get("joins/a")).toEqual({
      hash: "1",
      uploadedAt: 1,
      gone: { since: 50, writtenAt: 40 },
    });
    expect(remarkOn(after, { wanted: without, keptMs: 5 * dayMs }, "keep")).toBe(
      "the row joins/a, whose config is gone, is no longer refreshed; table CHRONON_METADATA drops a row 5 days after it was last written",
    );
    expect(remarkOn(after, { wanted: without, keptMs: null }, "delete")).toBe(
      "the row joins/a, whose config is gone, is no longer refreshed: more than may be deleted without a command (0, of 2; landfall metadata-delete); table CHRONON_METADATA drops nothing by age: somebody has to delete it there",
    );
    const back = wanted({ "joins/a": "1", "joins/b": "1" });
    expect(rowsToWrite(after, back, false).map(({ key }) => key)).toEqual(["joins/a"]);
    const dropped = ledgerAfter(after, { ...pass, ...times, at: 41 + 5 * dayMs });
    expect([...dropped.keys()]).toEqual(["joins/b"]);
    const kept = ledgerAfter(after, { ...pass, ...times, at: 900 * dayMs, keptMs: null });
    expect(kept).toEqual(after);
  });
});

test("pages hold every row once, by folder, none more than five hundred", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("risk", "growth", "__proto__"), fc.nat({ max: 5_000 })), {
        maxLength: 3_000,
      }),
      (names) => {
        const rows = ledger(
          Object.fromEntries(names.map(([folder, n]) => [`joins/${folder}.n${n}`, String(n)])),
        );
        const pages = [...pagesOf(rows)];
        const merged = pages.flatMap(([, page]) => Object.entries(page));
        expect(merged).toHaveLength(rows.size);
        expect(new Map(merged)).toEqual(rows);
        for (const [page, of] of pages) {
          const keys = Object.keys(of);
          expect(keys.length).toBeLessThanOrEqual(500);
          expect(keys.every((key) => key.startsWith(`joins/${page.split("~")[0]}.`))).toBe(true);
        }
      },
    ),
    { numRuns: 20 },
  );
});

test("a row that moves to another instance is written there, and no row of a config that is gone", () => {
  const conf = { path: "compiled/joins/risk/a", hash: "1" };
  const row = { key: "joins/risk.a", team: "risk", conf };
  const settings = Settings.parse({});
  const [here, there] = [[row], [{ ...row, instance: "risk-features" }]].map((rows) =>
    wantedOf(rows, settings),
  );
  if (here === undefined || there === undefined) throw new Error("two were made");
  expect(there.hash).not.toBe(here.hash);
  const ledger = new Map([[row.key, { hash: "1", uploadedAt: 5 }]]);
  expect(rowsToWrite(ledger, here, false)).toEqual([]);
  expect(rowsToWrite(ledger, there, false)).toHaveLength(1);
  expect(goneRows(ledger, there)).toEqual([]);
  const written = new Set([row.key]);
  const pass = { written, deleted: new Set<string>(), at: 9, refreshedAt: 5, keptMs: null };
  const after = ledgerAfter(ledger, { ...pass, wanted: there });
  expect(after.get(row.key)).toEqual({ hash: "1", uploadedAt: 9, instance: "risk-features" });
  expect(rowsToWrite(after, there, false)).toEqual([]);
});
