import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgsStringToArgv } from "string-argv";
import { describe, expect, test } from "vitest";
import { cliCommand } from "../../adapters/chronon/cli-command.ts";
import { DIALECTS, dialectOfRelease } from "../../adapters/chronon/dialects.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import type { ConfType } from "../../schemas/plan.ts";
import { ZiplineDialect, ZiplineSettings } from "../../schemas/zipline.ts";
import { jobSpecs } from "../support/job-specs.ts";

const next = jobSpecs();
const files = {
  group_bys: "merchant_features.v1",
  joins: "pafraud_join.v1",
  staging_queries: "exports.merchants",
  models: "score.v1",
  model_transforms: "score.v1",
} as const satisfies Record<ConfType, string>;

const modes: readonly (readonly [ConfType, string])[] = [
  ["group_bys", "backfill"],
  ["joins", "backfill"],
  ["staging_queries", "backfill"],
  ["group_bys", "upload"],
  ["group_bys", "upload-to-kv"],
  ["group_bys", "metadata-upload"],
  ["joins", "metadata-upload"],
  ["group_bys", "streaming"],
  ["joins", "log-flattener"],
  ["joins", "build-comparison-table"],
  ["joins", "consistency-metrics-compute"],
];

const env = {
  VERSION: "here",
  ARTIFACT_PREFIX: "gs://acme-artifacts/",
  FLINK_STATE_URI: "gs://acme-flink/state",
  CHRONON_LOG_TABLE: "chronon_fetcher_raw_logs",
  CHRONON_SCHEMA_TABLE: "chronon_fetcher_schemas",
};

/** One job of a mode; those of a day have one, whatever range is asked for. */
function job(confType: ConfType, mode: string, more: Partial<JobSpec> = {}): JobSpec {
  const end = "2025-09-30";
  return next({
    confType,
    mode,
    config: `default.${files[confType]}`,
    confPath: `compiled/${confType}/default/${files[confType]}`,
    range: { start: mode === "backfill" ? "2025-09-01" : end, end },
    env,
    ...more,
  });
}

function settingsOf(more: Partial<ZiplineSettings> = {}, dialect?: ZiplineDialect) {
  return ZiplineSettings.parse({
    program: dialect === "airbnb" ? "python3 /opt/chronon/run.py" : "zipline",
    kafkaBootstrap: "kafka.acme:9092",
    streamParallelism: 4,
    debug: true,
    uploader: "spark",
    ...(dialect === undefined ? {} : { versions: { here: { dialect } } }),
    ...more,
  });
}

function shown(spec: JobSpec, settings: ZiplineSettings): string {
  const command = cliCommand(spec, settings);
  const title = `${spec.confType}/${spec.mode}`;
  if ("refused" in command) return `${title}\n  refused: ${command.refused}\n`;
  const { argv, waits } = command;
  const lines = argv.join(" ").replaceAll(/ (?=--(?!mode))/g, " \\\n    ");
  return `${title}${waits ? "" : ", ends when it is submitted"}\n  ${lines}\n`;
}

describe.each(ZiplineDialect.options)("the command lines of dialect %s", (dialect) => {
  test("of every mode", async () => {
    const settings = settingsOf({}, dialect);
    const golden = modes.map((of) => shown(job(...of), settings)).join("\n");
    await expect(golden).toMatchFileSnapshot(`zipline/${dialect}.txt`);
  });

  test("without debug, on BigQuery, from a savepoint and not waiting", async () => {
    const more = { blocking: false, debug: false, uploader: "bigquery" } as const;
    const settings = settingsOf(more, dialect);
    const specs = [
      job("joins", "backfill"),
      job("group_bys", "upload-to-kv"),
      job("group_bys", "streaming", { savepoint: "gs://acme-flink/chk-7" }),
    ];
    const golden = specs.map((spec) => shown(spec, settings)).join("\n");
    await expect(golden).toMatchFileSnapshot(`zipline/${dialect}-otherwise.txt`);
  });
});

const note = resolve(import.meta.dirname, "../../../shared/airflow-design.md");
const absent = !existsSync(note);
if (absent) console.log("skipped: the Airflow note is not beside this repository");

test.skipIf(absent)("the Airflow note's commands come out, word for word", () => {
  const text = readFileSync(note, "utf8");
  const current = text.slice(text.indexOf("### Current State"), text.indexOf("### Challenges"));
  const values: Readonly<Record<string, string>> = {
    START_DATE: "2025-09-01",
    END_DATE: "2025-09-30",
    ARTIFACT_PREFIX: "gs://acme-artifacts",
    ZIPLINE_VERSION: "here",
    KAFKA_BOOTSTRAP_SERVERS: "kafka.acme:9092",
    FLINK_STATE_URI: "gs://acme-flink/state",
    FLINK_PARALLELISM: "4",
  };
  const noted = [...current.matchAll(/zipline run(?:.*\\\n)*.*/g)].map(([command]) =>
    parseArgsStringToArgv(
      command
        .replaceAll("\\\n", " ")
        .replaceAll(/\$(\w+)/g, (_, name: string) => values[name] ?? ""),
    ),
  );
  const settings = settingsOf({}, "2025-10-20");
  const ours = modes
    .filter(([confType]) => confType !== "staging_queries")
    .map((of) => cliCommand(job(...of), settings))
    .map((command) => ("refused" in command ? command.refused : command.argv));
  expect(noted).toHaveLength(10);
  expect(noted).toEqual(ours);
});

describe("which dialect a job's CLI speaks", () => {
  const refusal = (spec: JobSpec, settings: ZiplineSettings) => {
    const command = cliCommand(spec, settings);
    return "refused" in command ? command.refused : command.argv.join(" ");
  };

  test("the conf's version wins over the team's, and the team's over what is for all", () => {
    const dialects = Object.fromEntries(
      ["conf", "team", "all"].map((name) => [name, { dialect: "2025-10-20" as const }]),
    );
    const more = { versions: dialects, version: "all", teams: { risk: { version: "team" } } };
    const { VERSION: _, ...rest } = env;
    const versions = [
      job("joins", "backfill", { env: { ...rest, VERSION: "conf" } }),
      job("joins", "backfill", { env: rest }),
      job("joins", "backfill", { env: { ...rest, VERSION: "" }, team: "growth" }),
    ].map((spec) => / --version (\S+)/.exec(refusal(spec, settingsOf(more)))?.[1]);
    expect(versions).toEqual(["conf", "team", "all"]);
  });

  test("each version may be a program of its own", () => {
    const versions = {
      here: { dialect: "2026-02-24" as const, program: "/opt/zipline 2/bin/zipline" },
    };
    const quoted = { here: { ...versions.here, program: '"/opt/zipline 2/bin/zipline" -q' } };
    const command = cliCommand(job("joins", "backfill"), settingsOf({ versions: quoted }));
    expect("refused" in command ? command : command.argv.slice(0, 4)).toEqual([
      "/opt/zipline 2/bin/zipline",
      "-q",
      "run",
      "compiled/joins/default/pafraud_join.v1",
    ]);
  });

  test("releases of zipline-ai are known; what an operator says of one wins", () => {
    expect(dialectOfRelease("1.0.12")?.name).toBe("2026-01-13");
    expect(dialectOfRelease("1.0.13")?.name).toBe("2026-02-24");
    expect(dialectOfRelease("v1.28.0")?.name).toBe("2026-02-24");
    for (const unknown of ["1.0.4", "1.28.1", "2.0.0", "latest", "1.2", "1.2.3-dev", ""]) {
      expect(dialectOfRelease(unknown), unknown).toBeNull();
    }
    const spec = job("joins", "backfill", { env: { ...env, VERSION: "1.4.0" } });
    expect(refusal(spec, settingsOf())).toMatch(/^zipline run compiled\/joins/);
    const versions = { "1.4.0": { dialect: "2025-10-20" as const } };
    expect(refusal(spec, settingsOf({ versions }))).toMatch(/^zipline run --mode/);
  });

  test("an unknown version is refused in one line that names the known ones", () => {
    const spec = job("joins", "backfill", { env: { ...env, VERSION: "nightly" } });
    expect(refusal(spec, settingsOf({}, "2025-10-20"))).toBe(
      'which CLI its VERSION "nightly" is, is not known: name its dialect in zipline.versions of Landfall\'s settings (known: here, zipline-ai 1.0.5 to 1.28.0)',
    );
  });

  test("what nobody says is named, with where to say it", () => {
    const settings = settingsOf({}, "2025-10-20");
    const { CHRONON_LOG_TABLE: _, ...noLog } = env;
    const { FLINK_STATE_URI: __, ...noState } = env;
    const { ARTIFACT_PREFIX: ___, ...noArtifacts } = env;
    expect([
      refusal(job("joins", "backfill", { env: {} }), settings),
      refusal(job("joins", "backfill", { env: noArtifacts }), settings),
      refusal(job("group_bys", "streaming", { env: noState }), settings),
      refusal(job("joins", "log-flattener", { env: noLog }), settings),
      refusal(job("joins", "backfill", { confPath: "joins.v1" }), settings),
      refusal(job("joins", "backfill", { confPath: "compiled/joins/../x" }), settings),
      refusal(job("models", "backfill"), settings),
    ]).toEqual([
      expect.stringMatching(/^no VERSION is known for it: .* zipline settings$/),
      expect.stringMatching(/^no ARTIFACT_PREFIX is known for it: .* zipline settings$/),
      expect.stringMatching(/^no FLINK_STATE_URI is known/),
      expect.stringMatching(/^the tables of logged requests .* Landfall's settings$/),
      expect.stringMatching(/^its conf lies at joins.v1, .* move it to compiled\/joins\//),
      expect.stringMatching(/^its conf lies at compiled\/joins\/..\/x/),
      "Chronon's CLI has no backfill for models",
    ]);
  });

  test("dialects are in the order they came in, and each is named once", () => {
    expect(DIALECTS.map(({ name }) => name)).toEqual([...ZiplineDialect.options]);
  });
});
