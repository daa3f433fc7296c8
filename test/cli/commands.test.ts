import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Task } from "../../schemas/tasks.ts";
import { ended, landfall, landfallUp, tasksOf } from "../support/landfall.ts";
import { writeStagingQueries } from "../support/staging-queries.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const example = new URL("../../examples/payments-risk", import.meta.url).pathname;

describe("landfall plan", () => {
  test("prints the plan of the example repository, for people and as JSON", async () => {
    const people = await landfall("plan", "--configs", example);
    expect(people.code).toBe(0);
    expect(people.stdout).toContain("chronon_gb_batch_risk");
    expect(people.stdout).toMatch(/risk\.merchant_features\.v1__0 +│ pubsub:.* upload-to-kv/);
    const json = await landfall("plan", "--configs", join(example, "compiled"), "--json");
    const plan = JSON.parse(json.stdout) as { steps: { id: string; after: string[] }[] };
    expect(plan.steps.find(({ id }) => id.endsWith("profile.v1__0/upload-to-kv"))?.after).toEqual([
      "risk.merchant_profile.v1__0/upload",
    ]);
  });

  test("--strict makes a problem fatal", async () => {
    const configs = join(folder, "strict");
    writeStagingQueries(configs, { a: ["{{ nobody_filled_this }}"] });
    expect((await landfall("plan", "--configs", configs)).code).toBe(0);
    const strict = await landfall("plan", "--configs", configs, "--strict");
    expect(strict.code).toBe(1);
  });

  test("says in one line what is wrong with how it was called", async () => {
    for (const args of [["plan"], ["plan", "--configs", "/nowhere"], ["nonsense"]]) {
      const { code, stderr } = await landfall(...args);
      expect(code, args.join(" ")).toBe(2);
      expect(stderr).not.toContain("    at ");
    }
  });
});

describe("landfall up, called wrongly", () => {
  const settings = join(folder, "wrong.json");

  test.each([
    ["a command nobody would run", ["--command", "true"], "--command needs --runner process"],
    [
      "a placeholder nobody knows",
      ["--runner", "process", "--command", "run {nope}"],
      "{nope}, which is not known",
    ],
    ["a command beside zipline", ["--runner", "zipline", "--command", "x"], "makes its own"],
    ["a duration that is none", ["--job-ms", "soon"], "give a whole number above 0"],
    ["a pool that is not there", ["--settings", settings], 'names pool "spark"'],
  ])("%s is refused in one line", async (_, args, said) => {
    writeFileSync(settings, JSON.stringify({ poolOfMode: { upload: "spark" } }));
    const place = join(folder, "wrong");
    const { code, stderr } = await landfall("up", "--configs", example, "--data", place, ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).not.toContain("    at ");
  });
});

describe("landfall tasks, task, why without a running Landfall", () => {
  test("say how to start one", async () => {
    const { code, stderr } = await landfall("tasks", "--data", join(folder, "none"));
    expect(code).toBe(2);
    expect(stderr).toContain("landfall up");
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

describe("landfall up", { timeout: 60_000 }, () => {
  const configs = join(folder, "configs");
  const data = join(folder, "data");
  const lake = join(folder, "lake");
  const settings = join(folder, "settings.json");
  let up: ReturnType<typeof landfallUp>;

  beforeAll(async () => {
    writeStagingQueries(configs, { a: ["data.x"], b: ["lake.t_a__0", "data.never"] });
    writeFileSync(settings, JSON.stringify({ externalClosing: { when: "at-landing" } }));
    up = landfallUp({ configs, data, lake, settings, "job-ms": "50" });
    await vi.waitFor(() => expect(up.output()).toContain("watching"), { timeout: 20_000 });
  });
  afterAll(async () => {
    up.kill("SIGTERM");
    expect(await ended(up)).toBe(0);
  });

  test("a landing makes the right job run, and everything says why", async () => {
    expect((await landfall("land", "data.x", "2025-09-30", "--lake", lake)).code).toBe(0);
    const states = async () =>
      Object.fromEntries((await tasksOf(data)).map((task) => [task.id, task.state.kind]));
    await expect.poll(states, { timeout: 20_000 }).toEqual({
      "t.a__0/backfill@2025-09-30": "succeeded",
      "t.b__0/backfill@2025-09-30": "waiting",
    });
    const task = await landfall("task", "t.a__0/backfill@2025-09-30", "--data", data, "--json");
    expect((JSON.parse(task.stdout) as Task).runs[0]?.attempts).toHaveLength(1);
    const why = await landfall("why", "t.b__0/backfill@2025-09-30", "--data", data);
    expect(why.stdout).toContain("data.never@2025-09-30: it has not landed");
    const partition = await landfall("why", "data.x@2025-09-30", "--data", data);
    expect(partition.stdout).toContain("landed at version 0.0");
  });

  test("metadata says what was uploaded, for people and as JSON", async () => {
    const json = await landfall("metadata", "--data", data, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      table: "CHRONON_METADATA",
      uploaded: { rows: 0, changed: 0 },
      trouble: null,
      rows: {},
    });
    const people = await landfall("metadata", "--data", data);
    expect(people.stdout).toContain("effective by");
  });

  test("a backfill by command is range jobs; one nobody knows is refused with exit code 1", async () => {
    expect((await landfall("land", "data.x", "2025-09-29", "--lake", lake)).code).toBe(0);
    const refused = await landfall("backfill", "t.zzz", "2025-09-01", "2025-09-02", "--data", data);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("refused: no step or config");
    const filled = await landfall("backfill", "t.a__0", "2025-09-30", "2025-09-30", "--data", data);
    expect(filled.stdout).toContain("nothing is missing");
  });

  test("a second one on the same data folder is refused", async () => {
    const { code, stderr } = await landfall(
      "up",
      "--configs",
      configs,
      "--data",
      data,
      "--lake",
      lake,
    );
    expect(code).toBe(1);
    expect(stderr).toContain("another landfall up uses");
  });
});
