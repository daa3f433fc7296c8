import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failureOf } from "../../core/failure.ts";
import { freshnessMs } from "../../core/freshness.ts";
import { costOf, jobMetrics } from "../../core/job-metrics.ts";
import { landingLagMs } from "../../core/landing-lag.ts";
import { streamMetrics } from "../../core/streams/job-metrics.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import type { Attempt, Task } from "../../schemas/tasks.ts";
import { attempt, landed, landings, task } from "../support/documents.ts";
import { healthyStory, minuteMs, type StreamStory, streamStory } from "../support/stream-story.ts";

const about = { deployment: "landfall", settings: MetricsSettings.parse({}) };
const id = "risk.a.v1__0/backfill@2025-09-28..2025-09-30";

function withAttempts(...attempts: readonly Partial<Attempt>[]): Task {
  const made = attempts.map((more, at) => attempt({ attempt: at + 1, jobId: `j${at}`, ...more }));
  return task(id, { runs: [{ run: 3, because: "inputs complete", at: 1, attempts: made }] });
}

describe("a row for every finished attempt", () => {
  test("says whose it was, what of, how it ended and how long it ran", () => {
    const [row] = jobMetrics(
      withAttempts({ startedAt: 1_000, endedAt: 5_000, outcome: "succeeded", blame: null }),
      about,
    );
    expect(row).toMatchObject({
      jobId: "j0",
      team: "risk",
      config: "risk.a.v1__0",
      jobType: "backfill",
      start: "2025-09-28",
      end: "2025-09-30",
      days: 3,
      run: 3,
      attempt: 1,
      state: "succeeded",
      errorClass: null,
      durationMs: 4_000,
      cost: null,
      currency: null,
    });
  });

  test("is as it was judged: one that exited 0 having written nothing has failed", () => {
    const error = "exit 0, nothing written: risk.a has no 2025-09-30";
    const rows = jobMetrics(
      withAttempts(
        { outcome: "succeeded", blame: "job", error },
        { outcome: "cancelled", blame: null },
        { endedAt: null, outcome: null, blame: null },
      ),
      about,
    );
    expect(rows.map(({ state, errorClass }) => [state, errorClass])).toEqual([
      ["failed", "NothingWritten"],
      ["cancelled", null],
    ]);
  });

  test("costs what its usage costs by the prices there are", () => {
    const usage = {
      vcoreSeconds: 7_200,
      memoryMbSeconds: 3_600 * 2_048,
      milliDcuSeconds: 3_600_000,
    };
    expect(costOf(usage, { vcore: 0.5, memoryGb: 0.1 })).toBeCloseTo(1.2);
    expect(costOf(usage, { dcu: 0.06 })).toBeCloseTo(0.06);
    expect(costOf(usage, {})).toBeNull();
    expect(costOf({}, { vcore: 1 })).toBeNull();
  });
});

describe("a row for every finished attempt of a stream", () => {
  const rowOf = (ending: (at: StreamStory, jobId: string) => void) => {
    const at = streamStory();
    at.look();
    at.look();
    at.pass(minuteMs);
    ending(at, at.last()?.jobId ?? "");
    at.look();
    const [row] = streamMetrics(at.document(), about);
    return row;
  };

  test("says that one nobody asked to end has failed, and whose fault it was", () => {
    const oom = rowOf((at, jobId) => at.end(jobId, "failed", "OutOfMemoryError: Java heap space"));
    expect(oom).toMatchObject({
      pipeline: "chronon_gb_streaming_risk",
      step: "risk.clicks.v1/streaming",
      jobType: "streaming",
      days: 1,
      attempt: 1,
      state: "failed",
      outcome: "failed",
      blame: "job",
      errorClass: "OutOfMemoryError",
      durationMs: minuteMs,
    });
    const lost = "Container released on a *lost* node";
    expect(rowOf((at, jobId) => at.end(jobId, "failed", lost))).toMatchObject({
      blame: "infrastructure",
    });
    expect(rowOf((at, jobId) => at.end(jobId, "succeeded", null))).toMatchObject({
      state: "failed",
      outcome: "succeeded",
      error: "its job ended, and a stream does not",
    });
  });

  test("says refused of one that no runner took, and cancelled of one that was asked to end", () => {
    const refused = streamStory();
    refused.decide();
    refused.refuse("no such cluster");
    expect(streamMetrics(refused.document(), about)).toMatchObject([
      { state: "failed", errorClass: "Refused", startedAt: null, durationMs: null },
    ]);
    const stopped = healthyStory();
    stopped.ask("stop");
    stopped.look();
    stopped.look();
    expect(streamMetrics(stopped.document(), about)).toMatchObject([
      { state: "cancelled", blame: null, errorClass: null },
    ]);
  });

  test("is none of an attempt that runs", () => {
    expect(streamMetrics(healthyStory().document(), about)).toEqual([]);
  });
});

describe("the class of a failure", () => {
  const classOf = (error: string | null, more: Partial<Attempt> = {}) =>
    failureOf(attempt({ error, ...more }), []).errorClass;

  test("is the exception that a driver names, the root cause where it is told", () => {
    expect(classOf("org.apache.spark.sql.AnalysisException: cannot resolve `x`")).toBe(
      "AnalysisException",
    );
    expect(classOf('Exception in thread "main" java.lang.OutOfMemoryError: Java heap space')).toBe(
      "OutOfMemoryError",
    );
    expect(
      classOf("SparkException: Job aborted Caused by: java.io.IOException: no space left"),
    ).toBe("IOException");
    expect(classOf("exit code 1: ValueError: bad day")).toBe("ValueError");
  });

  test("is else how it ended", () => {
    expect(classOf("exit code 137: Killed")).toBe("ExitCode137");
    expect(classOf("ended by SIGKILL")).toBe("SIGKILL");
    expect(classOf("timed out: it was cancelled")).toBe("TimedOut");
    expect(classOf("it ran longer than its limit", { outcome: "timed-out" })).toBe("TimedOut");
    expect(classOf("gone", { outcome: "vanished" })).toBe("Vanished");
    expect(classOf("refused: no such cluster")).toBe("Refused");
    expect(classOf("agents lost", { blame: "infrastructure" })).toBe("Infrastructure");
    expect(classOf(null)).toBe("Unclassified");
  });
});

describe("the fingerprint of a failure", () => {
  const print = (error: string, names: readonly string[] = []) =>
    failureOf(attempt({ error }), names).fingerprint;

  test("is the same whatever ids, numbers, paths and names it has", () => {
    const one =
      "IOException: cannot read gs://lake/a/part-0001.parquet of task 17 (a.v1) in /tmp/x/1";
    const two = "IOException: cannot read gs://other/b/c.parquet of task 4 (b.v1) in /var/y/2";
    expect(print(one, ["a.v1"])).toBe(print(two, ["b.v1"]));
    expect(print("job 0f8fad5b-d9cb-469f-a165-70867728950e lost")).toBe(
      print("job 7c9e6679-7425-40de-944b-e07fc1f90ae7 lost"),
    );
  });

  test("is another where the class or the words are", () => {
    expect(print("ValueError: no column x")).not.toBe(print("KeyError: no column x"));
    expect(print("ValueError: no column x")).not.toBe(print("ValueError: no column y"));
  });

  test("is the same whatever numbers stand in any text", () => {
    fc.assert(
      fc.property(fc.string(), fc.tuple(fc.nat(), fc.nat()), (text, [one, other]) => {
        expect(print(`${text} ${one} ${text}`)).toBe(print(`${text} ${other} ${text}`));
      }),
    );
  });
});

describe("landing lag", () => {
  const at = landed("data.x", 0).landing.at;
  const claimed = (more: Partial<Task> = {}) =>
    task("risk.a/upload@2025-09-30", {
      state: {
        kind: "launching",
        run: 1,
        attempt: 1,
        jobId: "j",
        by: "d",
        submitBy: 0,
      },
      reads: { "data.x": { "2025-09-29": "0.1", "2025-09-30": "0.7" } },
      ...more,
    });
  const landingOf = (table: string, day: string) =>
    landed(table, day === "2025-09-30" ? 7 : 1, day).landing;

  test("is from the last landing to the first claim", () => {
    expect(landingLagMs(claimed(), landingOf, at + 1_007)).toBe(1_000);
  });

  test("says nothing of what was asked for, of later attempts, and of what reads nothing", () => {
    const { state } = claimed();
    const again = { ...state, attempt: 2 } as Task["state"];
    expect(landingLagMs(claimed({ state: again }), landingOf, at)).toBeNull();
    expect(landingLagMs(claimed({ requestedBy: ["c1"] }), landingOf, at)).toBeNull();
    expect(landingLagMs(claimed({ reads: {} }), landingOf, at)).toBeNull();
    expect(landingLagMs(claimed(), () => null, at)).toBeNull();
  });
});

test("a table is as fresh as the end of its newest day that is there", () => {
  const month = (days: readonly string[], gone: readonly string[] = []) =>
    landings("data.x", {
      partitions: Object.fromEntries([
        ...days.map((day) => [day, landed("data.x", 1, day).landing] as const),
        ...gone.map(
          (day) => [day, { ...landed("data.x", 1, day).landing, state: "gone" }] as const,
        ),
      ]),
    });
  const now = Date.parse("2025-10-01T06:00:00Z");
  expect(freshnessMs([month(["2025-09-28", "2025-09-29"]), month([])], now)).toBe(30 * 3_600_000);
  expect(freshnessMs([month(["2025-09-29"], ["2025-09-30"])], now)).toBe(30 * 3_600_000);
  expect(freshnessMs([month([])], now)).toBeNull();
});
