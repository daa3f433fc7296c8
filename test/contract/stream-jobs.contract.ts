import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JobRunner, JobSpec, StreamJobs } from "../../ports/job-runner.ts";
import { endOf, running } from "./job-runner.contract.ts";

/** A place where streams run: what is asked for goes on until it is cancelled. */
export interface StreamPlace {
  open(): JobRunner;
  stream(more?: Partial<JobSpec>): JobSpec;
  /** A job of the same place that is no stream and hangs. */
  batch(): JobSpec;
  dispose(): Promise<void>;
}

/** What runners that run streams keep beside the promises of all runners. */
export function describeStreamJobs(name: string, make: () => Promise<StreamPlace>): void {
  describe(`streams: ${name}`, () => {
    let place: StreamPlace;
    let opened: JobRunner[];
    const open = () => {
      const runner = place.open();
      opened.push(runner);
      return runner;
    };
    const streamsOf = ({ streams }: JobRunner): StreamJobs => {
      if (streams === null) throw new Error("it runs no streams");
      return streams;
    };

    beforeEach(async () => {
      opened = [];
      place = await make();
    });

    afterEach(async () => {
      for (const runner of opened) await runner.close();
      await place.dispose();
    });

    test("one that runs is listed by its GroupBy, to every opening, until it has ended", async () => {
      const [one, two] = [open(), open()];
      const [stream, batch] = [place.stream(), place.batch()];
      expect(await streamsOf(two).running()).toEqual([]);
      await one.submit(batch);
      await one.submit(stream);
      await running(one.statuses(), stream.jobId);
      const { jobId, config } = stream;
      await vi.waitFor(async () => {
        expect(await streamsOf(two).running()).toEqual([{ jobId, config, state: "running" }]);
      });
      await two.cancel(jobId);
      expect((await endOf(one.statuses(), jobId)).state).toBe("cancelled");
      expect(await streamsOf(two).running()).toEqual([]);
    });

    test("what became of one is known after it was forgotten, too", async () => {
      const runner = open();
      const stream = place.stream();
      expect(await streamsOf(runner).find(stream.jobId)).toBeNull();
      await runner.submit(stream);
      await running(runner.statuses(), stream.jobId);
      const { jobId, task, run, attempt } = stream;
      const labels = { jobId, task, run, attempt };
      await vi.waitFor(async () => {
        const found = await streamsOf(runner).find(jobId);
        expect(found).toMatchObject({ ...labels, state: "running", endedAt: null });
      });
      await runner.cancel(jobId);
      const end = await endOf(runner.statuses(), jobId);
      await runner.forget([jobId]);
      const found = await streamsOf(open()).find(jobId);
      expect(found).toMatchObject({ ...labels, state: "cancelled", endedAt: end.endedAt });
    });

    test("the same attempt, submitted from two openings at once, runs once", async () => {
      const [one, two] = [open(), open()];
      const stream = place.stream();
      const answers = await Promise.all([one.submit(stream), two.submit(stream)]);
      expect(answers.map(({ kind }) => kind).sort()).toEqual(["accepted", "exists"]);
      await running(one.statuses(), stream.jobId);
      expect(await streamsOf(two).running()).toHaveLength(1);
    });
  });
}
