import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { commandTemplate } from "../../adapters/embedded/job-command.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { JobSpec, JobStatus } from "../../ports/job-runner.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { type ProcessPlace, processPlace } from "../support/process-place.ts";

let at: ProcessPlace;

afterEach(() => at.close());

async function ended(conduct: string, more: Partial<JobSpec> = {}): Promise<JobStatus> {
  const runner = at.open();
  const job = at.job(conduct, more);
  expect(await runner.submit(job)).toEqual({ kind: "accepted" });
  return endOf(runner.statuses(), job.jobId);
}

describe("how jobs end", () => {
  test("a job that exits 0 having done nothing succeeded, as far as a runner knows", async () => {
    at = processPlace("exit 0");
    expect(await ended("")).toMatchObject({ state: "succeeded", error: null });
  });

  test("exit code and last line of stderr, without colours, make the error", async () => {
    at = processPlace(`
      echo "done nothing"
      printf 'Traceback\\n\\033[31mKeyError: amount\\033[0m\\n\\n' >&2
      exit 41`);
    const end = await ended("");
    expect(end).toMatchObject({ state: "failed", blame: "job" });
    expect(end.error).toBe("exit code 41: KeyError: amount");
    expect(readFileSync(end.log ?? "", "utf8")).toContain("done nothing");
  });

  test("a silent failure is its exit code", async () => {
    at = processPlace("exit 1");
    expect((await ended("")).error).toBe("exit code 1");
  });

  test("a driver that says a node was lost is not blamed for it", async () => {
    at = processPlace(`
      echo 'Exception in thread "main" org.apache.spark.SparkException: Job aborted' >&2
      echo 'Diagnostics: Container released on a *lost* node' >&2
      exit 1`);
    expect(await ended("")).toMatchObject({
      state: "failed",
      error:
        "exit code 1: Diagnostics: Container released on a *lost* node (not the job's fault: a node was lost)",
      blame: "infrastructure",
    });
  });

  test("a kill from outside is named, and not the job's fault", async () => {
    at = processPlace("kill -KILL $$");
    expect(await ended("")).toMatchObject({
      state: "failed",
      error: "ended by SIGKILL",
      blame: "infrastructure",
    });
  });

  test("a command that is not there says so", async () => {
    at = processPlace("", { command: "no-such-chronon {conf}" });
    const end = await ended("");
    expect(end).toMatchObject({ state: "failed", blame: "job" });
    expect(end.error).toBe(
      'the command "no-such-chronon" was not found; install it or correct --command',
    );
  });

  test("a command that may not be executed says so", async () => {
    at = processPlace("", { command: "/dev/null {conf}" });
    expect((await ended("")).error).toBe(
      'the command "/dev/null" may not be executed; check its permissions',
    );
  });

  test("arguments longer than the system takes fail the job in one line", async () => {
    at = processPlace("exit 0", { command: "true {config}" });
    const end = await ended("", { config: "c".repeat(4_000_000) });
    expect(end.state).toBe("failed");
    expect(end.error).toMatch(/E2BIG/);
  });

  test("output beyond the limit is dropped and noted; the last words are still heard", async () => {
    at = processPlace(
      'i=0; while [ $i -lt 2000 ]; do echo "line $i of some length"; i=$((i+1)); done; echo why >&2; exit 1',
      { logBytesMax: 10_000 },
    );
    const end = await ended("");
    expect(end.error).toBe("exit code 1: why");
    const log = readFileSync(end.log ?? "", "utf8");
    expect(log.slice(0, 10_000)).toMatch(/^line 0 of some length\nline 1/);
    expect(log.slice(10_000)).toMatch(/^\n\[landfall kept 10000 bytes of this output; \d+ more/);
  });
});

describe("what a job is told", () => {
  const echoArguments = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
  const hostile = [
    "; rm -rf /",
    "$(touch pwned)",
    "`touch pwned`",
    "--evil=1",
    "-rf",
    "a\nb\tc",
    'it\'s "quoted" \\',
    "{task} {nobody}",
    "* ? ~ | & > <",
    "Ünïcödé 風",
    "",
  ];

  test("hostile values reach it as they are, each in its argument", async () => {
    at = processPlace("", {
      command: `"${process.execPath}" -e "${echoArguments}" -- {config} "x={table} y" {column}`,
    });
    const runner = at.open();
    const heard = hostile.map(async (value) => {
      const output = { table: value, column: value, effect: "fills" } as const;
      const job = at.job("", { config: value, output });
      await runner.submit(job);
      const end = await endOf(runner.statuses(), job.jobId);
      return JSON.parse(readFileSync(end.log ?? "", "utf8")) as string[];
    });
    expect(await Promise.all(heard)).toEqual(
      hostile.map((value) => [value, `x=${value} y`, value]),
    );
  });

  test("arguments and environment name the same values", async () => {
    at = processPlace(
      `printf '%s\\n' "$@" > "$PLACE/argv"
       printf '%s\\n' "$LANDFALL_CONF" "$LANDFALL_MODE" "$LANDFALL_CONFIG" "$LANDFALL_START" \\
         "$LANDFALL_END" "$LANDFALL_DS" "$LANDFALL_TASK" "$LANDFALL_RUN" "$LANDFALL_ATTEMPT" \\
         "$LANDFALL_JOB_ID" "$LANDFALL_TABLE" "$LANDFALL_COLUMN" > "$PLACE/env"
       printf '%s' "$TEAM" > "$PLACE/team"`,
    );
    const names = "conf mode config start end ds task run attempt jobId table column";
    const placeholders = names.split(" ").map((name) => `{${name}}`);
    const runner = at.open({ command: `${at.command} ${placeholders.join(" ")}` });
    const job = at.job("", {
      run: 2,
      attempt: 3,
      range: { start: "2025-09-01", end: "2025-09-30" },
      env: { PLACE: at.place, TEAM: "risk" },
    });
    await runner.submit(job);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
    expect(at.read("argv").trim().split("\n")).toEqual([
      join(at.place, "configs", "conf"),
      "backfill",
      job.config,
      "2025-09-01",
      "2025-09-30",
      "2025-09-30",
      job.task,
      "2",
      "3",
      job.jobId,
      "risk.merchant_features_v1",
      "ds",
    ]);
    expect(at.read("env")).toBe(at.read("argv"));
    expect(at.read("team")).toBe("risk");
  });

  test("a job that writes no table gets empty names", async () => {
    at = processPlace(`[ $# -eq 2 ] && [ -z "$1$2" ]`);
    const runner = at.open({ command: `${at.command} {table} {column}` });
    const job = at.job("", { output: null });
    await runner.submit(job);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
  });

  test.each([
    ["a NUL in the config", { config: "a\0b" }],
    ["an environment variable without a name", { env: { "": "x" } }],
    ["an environment variable with = in its name", { env: { "A=B": "x" } }],
    ["a conf outside the store", { conf: "../job.sh" }],
    ["an absolute conf", { conf: "/etc/passwd" }],
    ["a conf that is not there", { conf: "confs/0/nothing" }],
    ["an id that is a path", { jobId: "../job" }],
  ])("%s is refused", async (_, more) => {
    at = processPlace("exit 0", { command: "true {config}" });
    const answer = await at.open().submit(at.job("", more));
    expect(answer.kind).toBe("refused");
    if (answer.kind === "refused") expect(answer.reason).toMatch(/^\S[^\n]+$/);
  });
});

describe("the command template", () => {
  test.each([
    ["python3 job.py {partition}", /names \{partition\}, which is not known; known are \{conf\}/],
    ["", /the command is empty/],
    ["  ", /the command is empty/],
  ])("%j is refused at start-up", (command, message) => {
    at = processPlace("");
    expect(() => at.open({ command })).toThrow(PermanentError);
    expect(() => at.open({ command })).toThrow(message);
  });

  test("whatever a value holds, it is one argument", () => {
    at = processPlace("");
    const argvOf = commandTemplate("job --conf {conf} '{task} of {config}' x{table}y {start}{end}");
    const values = fc.record({
      conf: fc.string({ unit: "binary" }),
      mode: fc.string(),
      config: fc.string(),
      start: fc.string(),
      end: fc.string(),
      ds: fc.string(),
      task: fc.string({ unit: fc.constantFrom("{", "}", "$&", "$1", "task", " ", "'", "\\") }),
      run: fc.string(),
      attempt: fc.string(),
      jobId: fc.string(),
      table: fc.string({ unit: "binary" }),
      column: fc.string(),
    });
    fc.assert(
      fc.property(values, (given) => {
        const { conf, task, config, table, start, end } = given;
        expect(argvOf(given)).toEqual([
          "job",
          "--conf",
          conf,
          `${task} of ${config}`,
          `x${table}y`,
          `${start}${end}`,
        ]);
      }),
    );
  });

  test("braces that are no placeholder stay", async () => {
    at = processPlace(`printf '%s' "$1" > "$PLACE/argv"`);
    const runner = at.open({ command: `${at.command} '{"day": "{ds}", "n": {}}'` });
    const job = at.job("");
    await runner.submit(job);
    await endOf(runner.statuses(), job.jobId);
    expect(at.read("argv")).toBe('{"day": "2025-09-30", "n": {}}');
  });
});

test("jobs that ended and were forgotten leave their output and nothing to watch", async () => {
  at = processPlace("echo hello");
  const runner = at.open();
  const job = at.job("");
  await runner.submit(job);
  const end = await endOf(runner.statuses(), job.jobId);
  await runner.forget([job.jobId]);
  expect(readFileSync(end.log ?? "", "utf8")).toBe("hello\n");
  expect(existsSync(join(at.folder, "open", job.jobId))).toBe(false);
});

test("what a job does is noticed without waiting for the next poll", async () => {
  at = processPlace("exit 0", { pollMs: 3_600_000 });
  expect((await ended("")).state).toBe("succeeded");
});

test("a folder that cannot be written is worth another try", async () => {
  at = processPlace("exit 0");
  const runner = at.open();
  rmSync(join(at.folder, "jobs"), { recursive: true });
  writeFileSync(join(at.folder, "jobs"), "");
  const submitted = runner.submit(at.job(""));
  await expect(submitted).rejects.toThrow(RetryableError);
  await expect(submitted).rejects.toThrow(/^cannot write [^\n]+$/);
  expect(() => at.open()).toThrow(PermanentError);
});

test("a file that is no job in the folder of open jobs disturbs nobody", async () => {
  at = processPlace("exit 0");
  const runner = at.open();
  writeFileSync(join(at.folder, "open", "stray"), "");
  expect((await ended("")).state).toBe("succeeded");
  await runner.close();
});
