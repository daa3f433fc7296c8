import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { filter, firstValueFrom } from "rxjs";
import { afterEach, describe, expect, test } from "vitest";
import { jobFolder, readStart } from "../../adapters/embedded/job-folder.ts";
import { hearing } from "../../adapters/embedded/submitted-job.ts";
import type { JobRunner, JobStatus } from "../../ports/job-runner.ts";
import { endOf } from "../contract/job-runner.contract.ts";
import { dataprocId, type ZiplinePlace, ziplinePlace } from "../support/zipline-place.ts";

let at: ZiplinePlace;
afterEach(() => at.close());

const link = `https://console.cloud.google.com/dataproc/jobs/${dataprocId}/monitoring?region=us-central1&project=acme`;

/** Resolves once the runner knows which Dataproc job a job submitted. */
function named(runner: JobRunner, jobId: string): Promise<JobStatus> {
  const isNamed = (status: JobStatus) =>
    status.jobId === jobId && status.log?.includes(dataprocId) === true;
  return firstValueFrom(runner.statuses().pipe(filter(isNamed)));
}

describe("a job through the CLI", () => {
  test("runs where its conf lies as in its repository, and shows its Dataproc job while it runs", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const range = { start: "2025-09-01", end: "2025-09-30" };
    const job = at.job("", { range });
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
    const going = await named(runner, job.jobId);
    const file = join(jobFolder(at.folder, job.jobId), "output.log");
    expect(going).toMatchObject({ state: "running", log: `${file} ${link}` });
    at.end("DONE");
    expect(await endOf(runner.statuses(), job.jobId)).toMatchObject({
      state: "succeeded",
      error: null,
      log: `${file} ${link}`,
    });
    const [folder, ...argv] = at.read("zipline").trim().split("\n");
    expect(argv).toEqual(
      "run --mode backfill --conf compiled/group_bys/risk/merchant_features.v1 --start-ds 2025-09-01 --end-ds 2025-09-30 --artifact-prefix gs://acme-artifacts --version here".split(
        " ",
      ),
    );
    expect(readFileSync(join(folder ?? "", argv[4] ?? ""), "utf8")).toBe("{}");
    expect(at.read("unbuffered")).toBe("1\n");
    expect(readFileSync(file, "utf8")).toContain("driver says DONE");
  });

  test("that Dataproc ends with an error fails with the CLI's last words", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("");
    await runner.submit(job);
    at.end("ERROR");
    expect(await endOf(runner.statuses(), job.jobId)).toMatchObject({
      state: "failed",
      blame: "job",
      error: `exit code 1: RuntimeError: Job ${dataprocId} failed.`,
    });
  });

  test("that the CLI does not submit fails with its last words, and has no Dataproc job", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("refused");
    await runner.submit(job);
    const end = await endOf(runner.statuses(), job.jobId);
    expect(end.error).toBe("exit code 1: ValueError: GCP artifact prefix not set.");
    expect(end.log).not.toContain("https://");
    expect(at.read("gcloud")).toBe("");
  });

  test("that exits 0 without naming a Dataproc job has failed", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("unnamed");
    await runner.submit(job);
    expect(await endOf(runner.statuses(), job.jobId)).toMatchObject({
      state: "failed",
      error: expect.stringMatching(/^it exited 0 without saying which Dataproc job/) as string,
    });
  });
});

describe("a CLI that does not wait", () => {
  test("is waited for through gcloud", async () => {
    at = ziplinePlace({ blocking: false });
    const runner = at.open();
    const job = at.job("");
    await runner.submit(job);
    await named(runner, job.jobId);
    at.end("DONE");
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("succeeded");
    expect(at.read("zipline")).toContain("--disable-cloud-logging");
    expect(at.read("gcloud")).toBe(
      `dataproc jobs wait ${dataprocId} --region us-central1 --project acme\n`,
    );
  });

  test("fails as gcloud says the job did", async () => {
    at = ziplinePlace({ blocking: false });
    const runner = at.open();
    const job = at.job("");
    await runner.submit(job);
    at.end("ERROR");
    expect((await endOf(runner.statuses(), job.jobId)).error).toBe(
      "exit code 1: driver says ERROR",
    );
  });

  test("after it deployed a stream: the job goes on as long as the stream does", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("", { mode: "streaming", output: null, env: { VERSION: "new" } });
    await runner.submit(job);
    expect((await named(runner, job.jobId)).state).toBe("running");
    expect(await runner.cancel(job.jobId)).toBe("asked");
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("cancelled");
    expect(at.read("zipline").split("\n").slice(1, 7)).toEqual(
      "run compiled/group_bys/risk/merchant_features.v1 --mode streaming --streaming-mode deploy".split(
        " ",
      ),
    );
  });
});

describe("the Dataproc job does not outlive its job", () => {
  test.each([true, false])("when that is cancelled (blocking: %s)", async (blocking) => {
    at = ziplinePlace({ blocking });
    const runner = at.open();
    const job = at.job("");
    await runner.submit(job);
    await named(runner, job.jobId);
    await runner.cancel(job.jobId);
    expect(await endOf(runner.statuses(), job.jobId)).toMatchObject({
      state: "cancelled",
      error: "it was cancelled",
    });
    expect(at.read("dataproc")).toBe("CANCELLED\n");
  });

  test("when its supervisor is killed", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("");
    await runner.submit(job);
    await named(runner, job.jobId);
    process.kill(readStart(jobFolder(at.folder, job.jobId))?.supervisor.pid ?? 0, "SIGKILL");
    expect((await endOf(runner.statuses(), job.jobId)).state).toBe("vanished");
    expect(at.read("dataproc")).toBe("CANCELLED\n");
  });

  test("or an operator is told that it may", async () => {
    at = ziplinePlace();
    const runner = at.open();
    const job = at.job("immortal");
    await runner.submit(job);
    await named(runner, job.jobId);
    await runner.cancel(job.jobId);
    expect((await endOf(runner.statuses(), job.jobId)).error).toBe(
      `it was cancelled; Dataproc job ${dataprocId} could not be ended (gcloud ended by 1): end it by hand if it still runs`,
    );
  });
});

describe("what cannot be run is refused when it is submitted", () => {
  test.each([
    [
      "a version nobody knows",
      { env: { VERSION: "nightly" } },
      /^which CLI its VERSION "nightly" is/,
    ],
    ["a mode it has not", { mode: "publish-metrics" }, /^Chronon's CLI has no publish-metrics for/],
    ["no region", { env: { GCP_REGION: "" } }, /^no GCP_REGION and GCP_PROJECT_ID are known/],
    ["a conf elsewhere", { confPath: "a/b" }, /^its conf lies at a\/b, where the CLI cannot tell/],
  ])("%s", async (_, more, reason) => {
    at = ziplinePlace();
    const runner = at.open({ env: { PATH: process.env["PATH"] } });
    expect(await runner.submit(at.job("", more))).toEqual({
      kind: "refused",
      reason: expect.stringMatching(reason) as string,
    });
  });
});

test("the id is heard whatever pieces it comes in, and only the first one", () => {
  at = ziplinePlace();
  const text = `é\nINFO Dataproc submitter job id: ${dataprocId}\r\nDataproc submitter job id: other\n`;
  const bytes = new TextEncoder().encode(text);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
      const heard: string[] = [];
      const hear = hearing((id) => heard.push(id));
      const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
      let from = 0;
      for (const end of ends) {
        hear(bytes.subarray(from, end));
        from = end;
      }
      expect(heard).toEqual([dataprocId]);
    }),
  );
});
