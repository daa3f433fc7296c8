import { describe, expect, test } from "vitest";
import { seenJob } from "../../adapters/gcp/dataproc-status.ts";
import { timestamp } from "../support/dataproc/protos.ts";

describe("what Dataproc says of a job, and what Landfall makes of it", () => {
  const labels = {
    "landfall-step": "a-2fbackfill",
    "landfall-start": "2026-03-01",
    "landfall-end": "2026-03-01",
    "landfall-run": "1",
    "landfall-attempt": "1",
    "landfall-timeout-ms": "60000",
    "landfall-slot": "2026-03-02t00-00",
  };
  type Told = readonly [state: string, atS: number, substate?: string, details?: string];
  const after = (...told: readonly Told[]) => {
    const states = told.map(([state, atS, substate = "UNSPECIFIED", details = ""]) => ({
      state: state as "PENDING",
      substate: substate as "QUEUED",
      details,
      stateStartTime: timestamp(atS * 1_000),
    }));
    return seenJob({
      reference: { jobId: "a" },
      labels,
      status: states.at(-1) ?? null,
      statusHistory: states.slice(0, -1),
      driverOutputResourceUri: "gs://staging/driveroutput",
    })?.status;
  };

  test.each([
    ["PENDING", "pending"],
    ["SETUP_DONE", "pending"],
    ["RUNNING", "running"],
    ["CANCEL_PENDING", "running"],
    ["CANCEL_STARTED", "running"],
    ["ATTEMPT_FAILURE", "running"],
    ["CANCELLED", "cancelled"],
    ["DONE", "succeeded"],
    ["ERROR", "failed"],
    ["STATE_UNSPECIFIED", "pending"],
    ["A_STATE_OF_TOMORROW", "pending"],
  ])("%s is %s", (state, is) => {
    expect(after([state, 10])?.state).toBe(is);
  });

  test("a full cluster says RUNNING and QUEUED: pending, and its time has not begun", () => {
    expect(after(["RUNNING", 10, "QUEUED"])).toMatchObject({ state: "pending", startedAt: null });
    expect(after(["RUNNING", 10, "QUEUED"], ["RUNNING", 70, "SUBMITTED"])).toMatchObject({
      state: "running",
      startedAt: 70_000,
    });
  });

  test("times and the address of the driver's output", () => {
    expect(after(["PENDING", 1], ["RUNNING", 5], ["DONE", 9])).toMatchObject({
      startedAt: 5_000,
      endedAt: 9_000,
      error: null,
      log: "gs://staging/driveroutput",
    });
  });

  test("it is the job's fault when its driver ran and was heard of to the end", () => {
    const details = [
      "Google Cloud Dataproc Agent reports job failure. If logs are available, they can be found at:",
      "https://console.cloud.google.com/dataproc/jobs/a?project=p&region=r",
      "gcloud dataproc jobs wait 'a' --region 'r' --project 'p'",
      "gs://staging/driveroutput.*",
      "java.lang.IllegalArgumentException: no such column: amount",
    ].join("\n");
    expect(after(["RUNNING", 5], ["ERROR", 9, "UNSPECIFIED", details])).toMatchObject({
      state: "failed",
      blame: "job",
      error:
        "Google Cloud Dataproc Agent reports job failure. If logs are available, they can be found at: java.lang.IllegalArgumentException: no such column: amount",
    });
    expect(after(["RUNNING", 5], ["ERROR", 9])?.error).toMatch(/^\S[^\n]+$/);
  });

  test("it is the ground's when it never ran, or when its agent fell silent", () => {
    const silent = after(["RUNNING", 5], ["RUNNING", 8, "STALE_STATUS"], ["ERROR", 9]);
    expect(silent).toMatchObject({ state: "failed", blame: "infrastructure" });
    expect(after(["PENDING", 1], ["SETUP_DONE", 2], ["ERROR", 3])?.blame).toBe("infrastructure");
    expect(after(["RUNNING", 1, "QUEUED"], ["ERROR", 3])?.blame).toBe("infrastructure");
  });

  test("a cancellation asked for after its time was up is the end of its time", () => {
    const asked = (atS: number) =>
      after(["RUNNING", 100], ["CANCEL_PENDING", atS], ["CANCELLED", atS + 3])?.state;
    expect(asked(130)).toBe("cancelled");
    expect(asked(160)).toBe("timed-out");
    expect(after(["PENDING", 1], ["CANCEL_PENDING", 900], ["CANCELLED", 901])?.state).toBe(
      "cancelled",
    );
  });

  test("what YARN counted of a job's applications, where it did", () => {
    const ran = (...yarnApplications: readonly object[]) => {
      const job = { reference: { jobId: "a" }, labels, status: { state: "DONE" as const } };
      return seenJob({ ...job, yarnApplications: yarnApplications as { name: string }[] })?.status;
    };
    const first = { name: "one", vcoreSeconds: "3600", memoryMbSeconds: "36864000" };
    const second = { name: "two", vcoreSeconds: 400, memoryMbSeconds: 1_000 };
    expect(ran(first, second)?.usage).toEqual({ vcoreSeconds: 4_000, memoryMbSeconds: 36_865_000 });
    expect(ran(first, { name: "made anew" })?.usage?.vcoreSeconds).toBe(3_600);
    expect(ran({ name: "one" })).not.toHaveProperty("usage");
    expect(ran({ ...first, vcoreSeconds: "0", memoryMbSeconds: "0" })).not.toHaveProperty("usage");
    expect(ran()).not.toHaveProperty("usage");
  });

  test("jobs of others are none of ours", () => {
    expect(
      seenJob({ reference: { jobId: "a" }, labels: {}, status: { state: "DONE" } }),
    ).toBeNull();
  });
});
