import {
  distinct,
  filter,
  firstValueFrom,
  type MonoTypeOperatorFunction,
  type Observable,
  take,
  timeout,
  toArray,
} from "rxjs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JobRunner, JobSpec, JobStatus } from "../../ports/job-runner.ts";

/** What a job of the suite should do; each runner's place makes such a job in its own way. */
export type Conduct = "succeeds" | "fails" | "hangs" | "takes-a-while" | "cannot-run";

/** A place where jobs run, and how to look into it from outside. */
export interface RunnerPlace {
  /** Another opening of the same place. */
  open(): JobRunner;
  job(conduct: Conduct, more?: Partial<JobSpec>): JobSpec;
  /** How often a job was begun, by what it left behind itself. */
  starts(jobId: string): Promise<number>;
  /** Whether anything of the job still runs. */
  runs(jobId: string): Promise<boolean>;
  dispose(): Promise<void>;
}

export interface ContractOptions {
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

const withinMs = 20_000;

export function isTerminal({ state }: JobStatus): boolean {
  return state !== "pending" && state !== "running";
}

/** The first of each job: statuses repeat. */
export function distinctJobs(): MonoTypeOperatorFunction<JobStatus> {
  return distinct(({ jobId }) => jobId);
}

/** The end of a job, as a stream of statuses tells it. */
export function endOf(statuses: Observable<JobStatus>, jobId: string): Promise<JobStatus> {
  return firstValueFrom(
    statuses.pipe(
      filter((status) => status.jobId === jobId && isTerminal(status)),
      timeout({ first: withinMs }),
    ),
  );
}

export function running(statuses: Observable<JobStatus>, jobId: string): Promise<JobStatus> {
  return firstValueFrom(
    statuses.pipe(
      filter((status) => status.jobId === jobId && status.state === "running"),
      timeout({ first: withinMs }),
    ),
  );
}

/** The promises every job runner keeps; each adapter runs this suite. */
export function describeJobRunner(
  name: string,
  make: () => Promise<RunnerPlace>,
  options: ContractOptions = {},
): void {
  const it = (title: string, body: () => Promise<void>, timeoutMs = 30_000) => {
    const skipped = options.skip?.find(({ tests }) => tests.includes(title));
    const name = skipped === undefined ? title : `${title} (${skipped.reason})`;
    test.skipIf(skipped !== undefined)(name, body, timeoutMs);
  };

  describe(`job runner: ${name}`, () => {
    let place: RunnerPlace;
    let opened: JobRunner[];
    const open = () => {
      const runner = place.open();
      opened.push(runner);
      return runner;
    };

    beforeEach(async () => {
      opened = [];
      place = await make();
    });

    afterEach(async () => {
      for (const runner of opened) await runner.close();
      await place.dispose();
    });

    it("a job that ends well is reported with its task, run, attempt and times", async () => {
      const runner = open();
      const job = place.job("succeeds");
      expect(await runner.submit(job)).toEqual({ kind: "accepted" });
      const end = await endOf(runner.statuses(), job.jobId);
      expect(end).toMatchObject({
        state: "succeeded",
        task: job.task,
        run: job.run,
        attempt: job.attempt,
        error: null,
      });
      expect(end.startedAt).not.toBeNull();
      expect(end.endedAt).toBeGreaterThanOrEqual(end.startedAt ?? Number.POSITIVE_INFINITY);
      expect(await place.starts(job.jobId)).toBe(1);
    });

    it("a job that fails says why in one line, and that it was the job", async () => {
      const runner = open();
      const job = place.job("fails");
      await runner.submit(job);
      const end = await endOf(runner.statuses(), job.jobId);
      expect(end).toMatchObject({ state: "failed", blame: "job" });
      expect(end.error).toMatch(/^\S[^\n]+$/);
    });

    it("what cannot be run is refused, or fails with a line that says so", async () => {
      const runner = open();
      const job = place.job("cannot-run");
      const answer = await runner.submit(job);
      const words =
        answer.kind === "refused"
          ? answer.reason
          : (await endOf(runner.statuses(), job.jobId)).error;
      expect(words).toMatch(/^\S[^\n]+$/);
      expect(await place.starts(job.jobId)).toBe(0);
    });

    it("submitted again and again, from two openings at once, it starts once", async () => {
      const [one, two] = [open(), open()];
      const job = place.job("succeeds");
      const ended = [one, two].map((runner) => endOf(runner.statuses(), job.jobId));
      const answers = await Promise.all(
        [one, two, one, two, one, two].map((runner) => runner.submit(job)),
      );
      const kinds = answers.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === "accepted")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "exists")).toHaveLength(5);
      for (const end of await Promise.all(ended)) expect(end.state).toBe("succeeded");
      expect(await two.submit(job)).toEqual({ kind: "exists" });
      expect(await place.starts(job.jobId)).toBe(1);
    });

    it("a job that ended and was forgotten does not start again either", async () => {
      const runner = open();
      const job = place.job("succeeds");
      await runner.submit(job);
      await endOf(runner.statuses(), job.jobId);
      await runner.forget([job.jobId]);
      expect(await runner.submit(job)).toEqual({ kind: "exists" });
      const later = place.job("succeeds");
      await open().submit(later);
      await endOf(runner.statuses(), later.jobId);
      expect(await place.starts(job.jobId)).toBe(1);
    });

    it("the id of another task's job is refused", async () => {
      const runner = open();
      const job = place.job("succeeds");
      await runner.submit(job);
      const other = await runner.submit({ ...job, task: "other.config.v1/upload@2025-09-01" });
      expect(other.kind).toBe("refused");
    });

    it("an end is told again after reopening until it is forgotten", async () => {
      const first = open();
      const jobs = [place.job("succeeds"), place.job("fails")];
      for (const job of jobs) await first.submit(job);
      for (const job of jobs) await endOf(first.statuses(), job.jobId);
      await first.close();
      const [kept, forgotten] = jobs.map(({ jobId }) => jobId);
      const second = open();
      const ends = await firstValueFrom(
        second
          .statuses()
          .pipe(filter(isTerminal), distinctJobs(), take(2), toArray(), timeout(withinMs)),
      );
      expect(new Set(ends.map(({ jobId }) => jobId))).toEqual(new Set([kept, forgotten]));
      await second.forget([forgotten ?? ""]);
      await second.close();
      const third = open();
      const marker = place.job("succeeds");
      const seen: string[] = [];
      third.statuses().subscribe(({ jobId }) => seen.push(jobId));
      await third.submit(marker);
      await endOf(third.statuses(), marker.jobId);
      expect(new Set(seen)).toEqual(new Set([kept, marker.jobId]));
    });

    it("a job goes on, or is taken up again, when its submitter closes", async () => {
      const first = open();
      const job = place.job("takes-a-while");
      await first.submit(job);
      await running(first.statuses(), job.jobId);
      await first.close();
      const end = await endOf(open().statuses(), job.jobId);
      expect(end.state).toBe("succeeded");
      expect(await place.starts(job.jobId)).toBe(1);
    });

    it("asked to look, from as many sides as may be, it goes on telling ends", async () => {
      const runner = open();
      await runner.look();
      const job = place.job("succeeds");
      const ended = endOf(runner.statuses(), job.jobId);
      await runner.submit(job);
      await Promise.all([runner.look(), runner.look(), runner.look()]);
      expect((await ended).state).toBe("succeeded");
      await runner.close();
      await runner.look();
    });

    it("closing ends the streams of statuses", async () => {
      const runner = open();
      const all = firstValueFrom(runner.statuses().pipe(toArray(), timeout(withinMs)));
      await runner.close();
      expect(await all).toEqual([]);
    });

    it("a hanging job ends when it is cancelled, by any opening", async () => {
      const [one, two] = [open(), open()];
      const job = place.job("hangs");
      await one.submit(job);
      await running(one.statuses(), job.jobId);
      await two.cancel(job.jobId);
      const end = await endOf(one.statuses(), job.jobId);
      expect(end.state).toBe("cancelled");
      expect(await place.runs(job.jobId)).toBe(false);
    });

    it("cancelled right after it was submitted, it ends without ever going on", async () => {
      const runner = open();
      const job = place.job("hangs");
      await runner.submit(job);
      await runner.cancel(job.jobId);
      expect((await endOf(runner.statuses(), job.jobId)).state).toBe("cancelled");
      expect(await runner.submit(job)).toEqual({ kind: "exists" });
      expect(await place.runs(job.jobId)).toBe(false);
    });

    it("a hanging job ends when its time is up", async () => {
      const runner = open();
      const job = place.job("hangs", { timeoutMs: 700 });
      await runner.submit(job);
      const end = await endOf(runner.statuses(), job.jobId);
      expect(end.state).toBe("timed-out");
      expect(end.error).toContain("0.7 s");
      expect(await place.runs(job.jobId)).toBe(false);
    });

    it("cancelling what is unknown or over changes nothing", async () => {
      const runner = open();
      const job = place.job("succeeds");
      await runner.submit(job);
      await endOf(runner.statuses(), job.jobId);
      await runner.cancel(job.jobId);
      expect(await runner.cancel("nobody-knows-me")).toBe("unknown");
      await runner.cancel("../../hostile");
      expect((await endOf(open().statuses(), job.jobId)).state).toBe("succeeded");
    });

    it("fifty jobs at once all end, once each", async () => {
      const runner = open();
      const jobs = Array.from({ length: 50 }, () => place.job("succeeds"));
      const ends = firstValueFrom(
        runner
          .statuses()
          .pipe(filter(isTerminal), distinctJobs(), take(50), toArray(), timeout(60_000)),
      );
      const answers = await Promise.all(jobs.map((job) => runner.submit(job)));
      expect(answers.every(({ kind }) => kind === "accepted")).toBe(true);
      expect(new Set((await ends).map(({ jobId }) => jobId)).size).toBe(50);
      for (const { jobId } of jobs) expect(await place.starts(jobId)).toBe(1);
    }, 90_000);
  });
}
