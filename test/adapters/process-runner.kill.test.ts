import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import {
  createJob,
  type JobTicket,
  jobFolder,
  putOnce,
  readStart,
} from "../../adapters/embedded/job-folder.ts";
import { ownMark } from "../../adapters/embedded/job-processes.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { endOf, running } from "../contract/job-runner.contract.ts";
import { type ProcessPlace, pidLives, processPlace } from "../support/process-place.ts";

/**
 * What a runner promises when processes die: a job is begun once, outlives who submitted it, and is
 * called over only when nothing of it runs.
 */

const isLinux = process.platform === "linux";
if (!isLinux) console.log("skipped: processes that left their group are only found on Linux");

const script = `
echo "$LANDFALL_TASK $LANDFALL_RUN $LANDFALL_ATTEMPT $LANDFALL_JOB_ID" >> "$PLACE/starts"
case "$CONDUCT" in
  hangs) echo $$ > "$PLACE/pid"; exec sleep 600 ;;
  slow) echo $$ > "$PLACE/pid"; sleep 2; echo slept; exit 0 ;;
  # A child, a grandchild that ignores SIGTERM, a daemon in a session of its own whose parent ended.
  family)
    sleep 600 & echo $! > "$PLACE/child"
    (trap '' TERM; sh -c 'trap "" TERM; echo $$ > "$PLACE/stubborn"; while :; do sleep 1; done' & wait) &
    (setsid sh -c 'echo $$ > "$PLACE/daemon"; exec sleep 600' &)
    echo $$ > "$PLACE/pid"; wait ;;
  # Ends at once and leaves a daemon behind.
  leaves) (setsid sh -c 'echo $$ > "$PLACE/daemon"; exec sleep 600' &)
    while [ ! -s "$PLACE/daemon" ]; do sleep 0.02; done; exit 0 ;;
  # A child with an empty environment, in a session of its own.
  bare) env -i setsid sleep 600 & echo $! > "$PLACE/child"; echo $$ > "$PLACE/pid"; wait ;;
esac
`;

let at: ProcessPlace;
const children: ChildProcess[] = [];

beforeEach(() => {
  at = processPlace(script);
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await at.close();
});

const starts = () => at.read("starts").split("\n").filter(Boolean);

/** The pid of the process that runs a job's command. */
async function supervisorOf(jobId: string): Promise<number> {
  for (;;) {
    const start = readStart(jobFolder(at.folder, jobId));
    if (start !== null) return start.supervisor.pid;
    await systemClock().sleep(10);
  }
}

/** A process of its own that submits a job and says so on stdout. */
async function submitElsewhere(job: unknown): Promise<ChildProcess> {
  const program = `
    import { processRunner } from ${JSON.stringify(new URL("../../adapters/embedded/process-runner.ts", import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(new URL("../../adapters/embedded/clock.ts", import.meta.url).href)};
    const { options, job } = JSON.parse(process.env.SUBMIT);
    const runner = processRunner({ ...options, clock: systemClock() });
    runner.statuses().subscribe();
    console.log((await runner.submit(job)).kind);
  `;
  const file = join(at.place, "submit.mts");
  writeFileSync(file, program);
  const child = spawn(process.execPath, ["--import", "tsx", file], {
    env: { ...process.env, SUBMIT: JSON.stringify({ options: at.options, job }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const said = await new Promise((resolve) => child.stdout?.once("data", resolve));
  expect(String(said)).toBe("accepted\n");
  return child;
}

function ticketOf({ jobId, task, run, attempt, timeoutMs, env }: JobSpec): JobTicket {
  return {
    jobId,
    task,
    run,
    attempt,
    timeoutMs,
    argv: ["sh", join(at.place, "job.sh")],
    env: { ...env, LANDFALL_JOB_ID: jobId, LANDFALL_JOB_FOLDER: jobFolder(at.folder, jobId) },
    cwd: at.place,
    graceMs: 100,
    logBytesMax: 1_000,
  };
}

function gone(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    if (child.exitCode === null && child.signalCode === null) child.once("exit", resolve);
    else resolve(null);
  });
}

describe("the submitter is killed", () => {
  test("the job goes on and the next process reports its end", async () => {
    const job = at.job("slow");
    const submitter = await submitElsewhere(job);
    await at.written("pid");
    submitter.kill("SIGKILL");
    await gone(submitter);
    expect(at.lives("pid")).toBe(true);
    const runner = at.open();
    expect(await runner.submit(job)).toEqual({ kind: "exists" });
    const end = await endOf(runner.statuses(), job.jobId);
    expect(end.state).toBe("succeeded");
    expect(readFileSync(end.log ?? "", "utf8")).toBe("slept\n");
    expect(starts()).toHaveLength(1);
  });

  test("with the first breath after the submit, again and again: each job is begun once", async () => {
    const jobs = Array.from({ length: 5 }, () => at.job(""));
    for (const job of jobs) {
      const submitter = await submitElsewhere(job);
      submitter.kill("SIGKILL");
      await gone(submitter);
    }
    const runner = at.open();
    const ends = await Promise.all(jobs.map((job) => endOf(runner.statuses(), job.jobId)));
    expect(ends.map(({ state }) => state)).toEqual(jobs.map(() => "succeeded"));
    expect(starts().sort((a, b) => (a < b ? -1 : 1))).toEqual(
      jobs.map((job) => `${job.task} 1 1 ${job.jobId}`),
    );
  });

  test("after it made the folder, before it started a supervisor: the next one does", async () => {
    const job = at.job("slow");
    const first = at.open({ command: "true" });
    await first.close();
    createJob(at.folder, ticketOf(job));
    expect((await endOf(at.open().statuses(), job.jobId)).state).toBe("succeeded");
    expect(starts()).toHaveLength(1);
  });
});

describe("the supervisor is killed", () => {
  test("what is left of the job is ended, and it is reported vanished", async () => {
    const runner = at.open();
    const job = at.job("family");
    await runner.submit(job);
    const names = ["pid", "child", "stubborn", "daemon"];
    for (const name of names) await at.written(name);
    process.kill(await supervisorOf(job.jobId), "SIGKILL");
    const end = await endOf(runner.statuses(), job.jobId);
    expect(end).toMatchObject({ state: "vanished", blame: "infrastructure" });
    expect(end.error).toMatch(/^its supervisor died/);
    expect(names.filter((name) => at.lives(name))).toEqual(isLinux ? [] : ["daemon"]);
    expect(await runner.submit(job)).toEqual({ kind: "exists" });
    expect(starts()).toHaveLength(1);
  });

  test("together with the submitter and the command: the next process reports it", async () => {
    const job = at.job("hangs");
    const submitter = await submitElsewhere(job);
    const pid = Number(await at.written("pid"));
    const supervisor = await supervisorOf(job.jobId);
    for (const each of [submitter.pid ?? 0, supervisor, pid]) process.kill(each, "SIGKILL");
    await gone(submitter);
    const end = await endOf(at.open().statuses(), job.jobId);
    expect(end.state).toBe("vanished");
    expect(starts()).toHaveLength(1);
  });

  test("a later process with its pid is not taken for it", async () => {
    const runner = at.open({ command: "true" });
    const job = at.job("");
    await runner.close();
    const { jobId } = job;
    createJob(at.folder, ticketOf(job));
    const own = ownMark();
    const supervisor = { ...own, born: `${own.born}0` };
    putOnce(jobFolder(at.folder, jobId), "started.json", { supervisor, at: Date.now() });
    expect((await endOf(at.open().statuses(), jobId)).state).toBe("vanished");
    expect(pidLives(process.pid)).toBe(true);
  });

  test.runIf(isLinux)(
    "one of another container is alive while it gives signs of life",
    async () => {
      const job = at.job("");
      const runner = at.open();
      createJob(at.folder, ticketOf(job));
      const folder = jobFolder(at.folder, job.jobId);
      const supervisor = { ...ownMark(), pid: 1, space: "pid:[1]" };
      putOnce(folder, "started.json", { supervisor, at: Date.now() });
      expect((await running(runner.statuses(), job.jobId)).state).toBe("running");
      const longAgo = new Date(Date.now() - 120_000);
      utimesSync(join(folder, "started.json"), longAgo, longAgo);
      expect((await endOf(runner.statuses(), job.jobId)).state).toBe("vanished");
    },
  );

  test("told to stop, as at a shut-down, it ends the job and says so", async () => {
    const runner = at.open();
    const job = at.job("hangs");
    await runner.submit(job);
    await at.written("pid");
    process.kill(await supervisorOf(job.jobId), "SIGTERM");
    const end = await endOf(runner.statuses(), job.jobId);
    expect(end).toMatchObject({ state: "vanished", blame: "infrastructure" });
    expect(end.error).toBe("its supervisor was told to stop (SIGTERM) and ended it");
    expect(at.lives("pid")).toBe(false);
  });
});

test("several supervisors of one job run it once", async () => {
  const runner = at.open();
  const job = at.job("slow");
  await runner.submit(job);
  const program = new URL("../../adapters/embedded/supervisor.ts", import.meta.url).pathname;
  const others = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--import", "tsx", program, jobFolder(at.folder, job.jobId)]),
  );
  children.push(...others);
  expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
  await Promise.all(others.map(gone));
  expect(starts()).toHaveLength(1);
});

describe("the whole tree ends", () => {
  test("a cancelled job's child, stubborn grandchild and daemon of another session", async () => {
    const runner = at.open();
    const job = at.job("family");
    await runner.submit(job);
    const names = ["pid", "child", "stubborn", "daemon"];
    for (const name of names) await at.written(name);
    await runner.cancel(job.jobId);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("cancelled");
    expect(names.filter((name) => at.lives(name))).toEqual(isLinux ? [] : ["daemon"]);
  });

  test.runIf(isLinux)("a child that emptied its environment and left the session", async () => {
    const runner = at.open();
    const job = at.job("bare");
    await runner.submit(job);
    await at.written("pid");
    await runner.cancel(job.jobId);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("cancelled");
    expect(at.lives("child")).toBe(false);
  });

  test.runIf(isLinux)("a daemon that a job leaves behind ends before the job does", async () => {
    const runner = at.open();
    const job = at.job("leaves");
    await runner.submit(job);
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
    expect(at.lives("daemon")).toBe(false);
  });
});

test("a cancel left by a process that died is found by the supervisor", async () => {
  const runner = at.open();
  const job = at.job("hangs");
  await runner.submit(job);
  await running(runner.statuses(), job.jobId);
  await at.written("pid");
  writeFileSync(join(jobFolder(at.folder, job.jobId), "cancel"), "");
  expect((await endOf(runner.statuses(), job.jobId)).state).toBe("cancelled");
  expect(readdirSync(join(at.folder, "drafts"))).toEqual([]);
});
