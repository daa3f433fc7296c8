import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readConfigs } from "../../cli/read-configs.ts";
import { type RehearsalOptions, rehearse } from "../../cli/rehearse/machine.ts";
import { type Report, reportOf } from "../../cli/rehearse/report.ts";
import type { ConfigFile } from "../../core/compile/config-file.ts";
import { Settings } from "../../schemas/settings.ts";
import { days, dependency, events, file, groupBy, stagingQuery } from "../support/configs.ts";
import { landfall } from "../support/landfall.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-rehearse-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const example = new URL("../../examples/payments-risk", import.meta.url).pathname;

const Share = z.strictObject({ name: z.string(), limit: z.number(), peak: z.number() });
const ReportJson = z.strictObject({
  ok: z.boolean(),
  from: z.string(),
  to: z.string(),
  tasks: z.record(z.string(), z.number()),
  stuck: z.array(z.strictObject({ task: z.string(), why: z.string() })),
  pools: z.array(Share),
  pipelines: z.array(
    z.strictObject({
      name: z.string(),
      tasks: z.number(),
      criticalPath: z.array(z.string()),
      hours: z.number(),
    }),
  ),
  wallMs: z.number(),
});

type Asked = Partial<Omit<RehearsalOptions, "settings">> & { readonly settings?: object };

async function reported(files: readonly ConfigFile[], more: Asked = {}): Promise<Report> {
  const { settings = {}, ...options } = more;
  const rehearsed = await rehearse({
    range: { start: "2026-03-01", end: "2026-03-03" },
    late: 0,
    fail: 0,
    seed: 1,
    ...options,
    files,
    settings: Settings.parse(settings),
  });
  return reportOf(rehearsed, 0);
}

const daily = { executionInfo: { offlineSchedule: "@daily" } };
const reading = (name: string, table: string, more: Readonly<Record<string, unknown>> = {}) =>
  file(
    "staging_queries",
    stagingQuery(name, { tableDependencies: [dependency(table, more)] }, daily),
  );

describe("landfall rehearse", () => {
  test("a week of the example repository: its tasks, critical paths, pools, and a page", async () => {
    const settings = join(folder, "settings.json");
    const page = join(folder, "page.html");
    const pools = { spark: { limit: 2 } };
    const poolOfMode = { upload: "spark", backfill: "spark" };
    writeFileSync(settings, JSON.stringify({ pools, poolOfMode }));
    const asked = ["rehearse", "--configs", example, "--from", "2026-03-01", "--to", "2026-03-07"];
    const printed = ["--settings", settings, "--html", page, "--json"];
    const { code, stdout, stderr } = await landfall(...asked, ...printed);
    expect([code, stderr]).toEqual([0, ""]);
    const report = ReportJson.parse(JSON.parse(stdout));
    expect(report).toMatchObject({ ok: true, from: "2026-03-01", to: "2026-03-07", stuck: [] });
    expect(report.tasks).toEqual({ succeeded: 7 * 12 });
    expect(report.pools).toEqual([{ name: "spark", limit: 2, peak: 2 }]);
    const path = report.pipelines.find(({ name }) => name === "chronon_join_batch_risk");
    expect(path?.criticalPath.map((id) => id.slice(0, -"@2026-03-01".length))).toEqual([
      "risk.exports.enriched_transactions__0/backfill",
      "risk.checkout.v1__0/backfill",
    ]);

    const html = readFileSync(page, "utf8");
    const markup = html.replaceAll(/(<script[^>]*>).*?<\/script>/gs, "$1");
    expect(markup.match(/(src|href)=|url\(|@import/g)).toBeNull();
    const data = /<script type="application\/json" id="rehearsal">(.*?)<\/script>/s.exec(html)?.[1];
    const drawn = JSON.parse(data ?? "") as { report: unknown; bars: unknown[]; nodes: unknown[] };
    expect(drawn.report).toEqual(report);
    expect(drawn.bars).toHaveLength(7 * 12);
    expect(drawn.nodes).toHaveLength(5 + 12);
  });

  test("for people: a timeline, and exit code 1 with the reason when something would never run", async () => {
    const configs = join(folder, "configs");
    for (const { path, text } of [
      reading("t.reader", "out.t_asked"),
      file("group_bys", groupBy("t.asked", {}, { executionInfo: { stepDays: 1 } })),
    ]) {
      mkdirSync(join(configs, path, ".."), { recursive: true });
      writeFileSync(join(configs, path), text);
    }
    const range = ["--from", "2026-03-01", "--to", "2026-03-02"];
    const { code, stdout } = await landfall("rehearse", "--configs", configs, ...range);
    expect(code).toBe(1);
    expect(stdout).toContain("runs only on command");
    expect(stdout).toContain("2 would not run");
  });

  test.each([
    ["a day that is none", ["--from", "2026-02-30", "--to", "2026-03-01"], "yyyy-MM-dd"],
    ["an end before the start", ["--from", "2026-03-02", "--to", "2026-03-01"], "is before --from"],
    ["a share above 1", ["--from", "2026-03-01", "--to", "2026-03-01", "--late", "2"], "between 0"],
  ])("%s is refused in one line", async (_, args, said) => {
    const { code, stderr } = await landfall("rehearse", "--configs", example, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain("    at ");
  });
});

describe("a rehearsal", () => {
  test("is the same for the same seed, and another for another", async () => {
    const files = await readConfigs(example);
    const more = { late: 0.2, fail: 0.2 };
    const [one, again, other] = [
      await reported(files, { ...more, seed: 3 }),
      await reported(files, { ...more, seed: 3 }),
      await reported(files, { ...more, seed: 4 }),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test("data that lands late makes pipelines end later; all of it still runs", async () => {
    const files = [reading("t.reader", "data.e")];
    const [usual, late] = [await reported(files), await reported(files, { late: 1 })];
    expect(usual.tasks).toEqual({ succeeded: 3 });
    expect(late.tasks).toEqual({ succeeded: 3 });
    expect(usual.pipelines[0]?.hours).toBeLessThan(1.5);
    expect(late.pipelines[0]?.hours).toBeGreaterThan(1.5);
  });

  test("what fails in all its attempts is stuck, and what reads it says so", async () => {
    const files = [reading("t.first", "data.e"), reading("t.second", "out.t_first")];
    const report = await reported(files, { fail: 1 });
    expect(report.ok).toBe(false);
    expect(report.tasks).toEqual({ failed: 3 });
    expect(report.stuck.map(({ task }) => task)).toHaveLength(6);
    expect(report.stuck.find(({ task }) => task === "t.second/backfill@2026-03-01")?.why).toContain(
      "t.first/backfill@2026-03-01",
    );
  });

  test("a pool of one makes jobs wait for each other", async () => {
    const files = ["a", "b", "c", "d"].map((name) => reading(`t.${name}`, "data.e"));
    const settings = { pools: { spark: { limit: 1 } }, poolOfMode: { backfill: "spark" } };
    const jobMs = 3_600_000;
    const [free, limited] = [
      await reported(files, { jobMs }),
      await reported(files, { jobMs, settings }),
    ];
    expect(limited.pools).toEqual([{ name: "spark", limit: 1, peak: 1 }]);
    expect(limited.pipelines[0]?.hours).toBeGreaterThan((free.pipelines[0]?.hours ?? 0) + 2.9);
  });

  test("days that lie before what is rehearsed are there: offsets, sources that ended years ago", async () => {
    const ended = events("data.old", { endPartition: "2021-04-09" });
    const files = [
      reading("t.behind", "data.e", { startOffset: days(9), endOffset: days(3) }),
      file(
        "group_bys",
        groupBy("t.both", { sources: [events("data.e"), ended] }, { online: 1, ...daily }),
      ),
    ];
    const report = await reported(files);
    expect(report.stuck).toEqual([]);
    expect(report.tasks["succeeded"]).toBe(12);
  });

  test("tables that close by a marker or by the next day do close", async () => {
    const settings = {
      tables: {
        "data.marked": { closing: { when: "marker" } },
        "data.next": { closing: { when: "next" } },
      },
    };
    const files = [reading("t.one", "data.marked"), reading("t.two", "data.next")];
    expect((await reported(files, { settings })).tasks).toEqual({ succeeded: 6 });
  });

  test("a day before a source begins is no task, and not stuck", async () => {
    const source = events("data.e", { startPartition: "2026-03-03" });
    const files = [
      file("group_bys", groupBy("t.young", { sources: [source] }, { online: 1, ...daily })),
    ];
    const report = await reported(files);
    expect(report.stuck).toEqual([]);
    expect(report.tasks["succeeded"]).toBe(3);
  });
});

const samples = new URL("../../../shared/data/chronon", import.meta.url).pathname;
const isThere = existsSync(samples);
if (!isThere) console.log("skipped: the sample repositories are not on this machine");

describe.skipIf(!isThere)("a month of the sample repositories", () => {
  test.each(["airbnb-sample", "zipline-sample"])(
    "%s: nothing is stuck",
    async (name) => {
      const report = await reported(await readConfigs(join(samples, name)), {
        range: { start: "2025-10-01", end: "2025-10-31" },
      });
      expect(report.stuck).toEqual([]);
      expect(report.tasks["succeeded"]).toBeGreaterThan(1_000);
    },
    120_000,
  );
});
