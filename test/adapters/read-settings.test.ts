import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readSettings, SettingsError } from "../../adapters/read-settings.ts";
import { variableOf } from "../../adapters/settings-env.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cloud = {
  LANDFALL_WORLD: "gcp",
  LANDFALL_GCP__PROJECT: "acme",
  LANDFALL_GCP__LAKE: "gs://acme-lake",
  LANDFALL_GCP__CONFIGS: "gs://acme-landfall/configs",
  LANDFALL_GCP__BIGTABLE_INSTANCE: "features",
};

function fileOf(value: unknown): string {
  const file = join(folder, `${Math.random()}.json`);
  writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

/** Who said what a setting is. */
function fromOf(path: string, effective: ReturnType<typeof readSettings>): unknown {
  return effective.origins.find((origin) => origin.path === path)?.from;
}

test("the environment wins over the file, and the file over the defaults; each says so", () => {
  const file = fileOf({ tickMs: 300, retries: { job: { max: 4 } }, deployment: "of-file" });
  const env = { LANDFALL_SETTINGS: file, LANDFALL_TICK_MS: "400" };
  const effective = readSettings(env);
  expect(effective.settings).toMatchObject({
    tickMs: 400,
    retries: { job: { max: 4, delayMs: 60_000 } },
    deployment: "of-file",
    world: "embedded",
  });
  expect(fromOf("tickMs", effective)).toBe("LANDFALL_TICK_MS");
  expect(fromOf("retries.job.max", effective)).toBe(file);
  expect(fromOf("retries.job.delayMs", effective)).toBe("default");
  expect(effective.origins.map(({ path }) => path)).toContain("retries.infrastructure.max");
});

test("a name in the environment is the setting's path: two underscores a level, one a word", () => {
  expect(variableOf("gcp.dataproc.idleLookMs")).toBe("LANDFALL_GCP__DATAPROC__IDLE_LOOK_MS");
  const env = {
    ...cloud,
    LANDFALL_GCP__DATAPROC__IDLE_LOOK_MS: "5",
    LANDFALL_POOLS: '{"spark":{"limit":2}}',
  };
  expect(() => readSettings(env)).toThrow("gcp.dataproc.idleLookMs");
  const { settings } = readSettings({ ...env, LANDFALL_GCP__DATAPROC__IDLE_LOOK_MS: "50" });
  expect(settings.gcp?.dataproc.idleLookMs).toBe(50);
  expect(settings.pools).toEqual({ spark: { limit: 2 } });
});

test("zipline runs on a host only, and not beside a command", () => {
  const file = fileOf({ zipline: { versions: { latest: { dialect: "2025-10-20" } } } });
  expect(readSettings({}, file).settings.zipline).toMatchObject({
    program: "zipline",
    versions: { latest: { dialect: "2025-10-20" } },
  });
  expect(readSettings({ LANDFALL_ZIPLINE__DEBUG: "true" }).settings.zipline?.debug).toBe(true);
  const onHost = `settings ${file}: zipline runs a CLI on a host or VM of an embedded world; on Google Cloud jobs go to Dataproc directly (gcp.dataproc): leave it out`;
  expect(() => readSettings(cloud, file)).toThrow(onHost);
  expect(() => readSettings({ K_SERVICE: "dispatcher" }, file)).toThrow(onHost);
  expect(() => readSettings({ LANDFALL_COMMAND: "true" }, file)).toThrow(
    `settings ${file}: zipline and command both say what runs a job: leave one out`,
  );
});

test("a dialect or a setting of zipline that is not known is refused", () => {
  const wrong = [{ dialects: {} }, { versions: { latest: { dialect: "2025-10-21" } } }];
  for (const zipline of wrong) {
    expect(() => readSettings({}, fileOf({ zipline }))).toThrow(SettingsError);
  }
});

test("text stays text, whatever it looks like", () => {
  const { settings } = readSettings({
    ...cloud,
    LANDFALL_GCP__PROJECT: "123",
    LANDFALL_DEPLOYMENT: "7",
  });
  expect([settings.gcp?.project, settings.deployment]).toEqual(["123", "7"]);
});

test("on Google Cloud ticks and looks are rarer, unless somebody says otherwise", () => {
  const effective = readSettings(cloud);
  expect(effective.settings).toMatchObject({ tickMs: 1_000, reconcileMs: 600_000 });
  expect(fromOf("tickMs", effective)).toBe("default of gcp");
  expect(readSettings({ ...cloud, LANDFALL_TICK_MS: "50" }).settings.tickMs).toBe(50);
});

test("what Cloud Run and Google's clients say is taken, unless Landfall is told something else", () => {
  const { LANDFALL_GCP__PROJECT: _, ...rest } = cloud;
  const run = { ...rest, PORT: "9000", K_SERVICE: "watcher", GOOGLE_CLOUD_PROJECT: "theirs" };
  const effective = readSettings(run);
  expect(effective.settings).toMatchObject({ port: 9_000, host: "0.0.0.0" });
  expect(effective.settings.gcp?.project).toBe("theirs");
  expect(fromOf("gcp.project", effective)).toBe("GOOGLE_CLOUD_PROJECT");
  expect(readSettings({ ...run, ...cloud }).settings.gcp?.project).toBe("acme");
  expect(readSettings({}).settings.host).toBe("127.0.0.1");
});

test("a project in the shell is not the wish for Google Cloud", () => {
  const { settings } = readSettings({ GOOGLE_CLOUD_PROJECT: "acme" });
  expect(settings.gcp).toBeUndefined();
});

describe("what is wrong is named in one line, with who said it", () => {
  test.each([
    ["an unknown variable", { LANDFALL_TIK_MS: "1" }, {}, "LANDFALL_TIK_MS is no setting"],
    ["a variable of the wrong kind", { PORT: "x" }, {}, "settings PORT: port: "],
    ["an unknown setting", {}, { tickMz: 1 }, 'Unrecognized key: "tickMz"'],
    ["an unknown setting of Google Cloud", cloud, { gcp: { bucket: "x" } }, '"bucket"'],
    ["a world without its place", { LANDFALL_WORLD: "gcp" }, {}, "LANDFALL_GCP__PROJECT"],
    ["a lake that is no address", { ...cloud, LANDFALL_GCP__LAKE: "acme" }, {}, "gs://bucket"],
    ["a pool nobody has", {}, { poolOfMode: { upload: "spark" } }, 'names pool "spark"'],
    ["a file that is no JSON", {}, "{", "are not JSON"],
  ])("%s", (...[, env, file, said]) => {
    const read = () => readSettings(env, fileOf(file));
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(said);
  });

  test("a place that lacks one thing", () => {
    const { LANDFALL_GCP__LAKE: _, ...rest } = cloud;
    expect(() => readSettings(rest)).toThrow("gcp.lake (LANDFALL_GCP__LAKE)");
    expect(() => readSettings({ LANDFALL_SETTINGS: "/nowhere.json" })).toThrow(
      "cannot read settings",
    );
  });
});

test("no setting is a secret, so all of them may be printed", () => {
  const paths = readSettings(cloud).origins.map(({ path }) => path);
  expect(paths.filter((path) => /secret|token|password|credential/i.test(path))).toEqual([]);
});
