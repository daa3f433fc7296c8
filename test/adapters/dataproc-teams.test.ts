import { describe, expect, test } from "vitest";
import { jobLabels } from "../../adapters/gcp/dataproc-labels.ts";
import { placementOf } from "../../adapters/gcp/dataproc-place.ts";
import type { JobSpec } from "../../ports/job-runner.ts";
import { DataprocSettings } from "../../schemas/dataproc.ts";

const execution = { properties: {}, stagingBucket: "risk-staging" };
const env = { VERSION: "1", ARTIFACT_PREFIX: "gs://releases" };

function placed(more: Partial<Pick<JobSpec, "execution">> = {}, settings: object = {}) {
  const placing = {
    deployment: "landfall",
    settings: DataprocSettings.parse({ project: "p", configs: "gs://c", ...settings }),
  };
  const job = { team: "risk", mode: "upload", env, execution: { properties: {} }, ...more };
  const placement = placementOf(placing, job);
  return "refused" in placement ? placement : placement.on;
}

describe("a team's staging bucket", () => {
  test("is that of clusters made for it alone", () => {
    expect(placed({ execution })).toMatchObject({
      name: expect.stringMatching(/^lf-landfall-team-[0-9a-f]{10}$/),
      make: { config: { configBucket: "risk-staging" } },
    });
    expect(placed()).toMatchObject({ name: "lf-landfall-incremental" });
    expect(placed()).not.toHaveProperty("make.config.configBucket");
    const other = placed({ execution: { ...execution, stagingBucket: "growth-staging" } });
    expect(other).not.toMatchObject({ name: (placed({ execution }) as { name: string }).name });
  });

  test("is that of its batches, before the profile's", () => {
    const place = { on: "serverless", stagingBucket: "everybodys" };
    const profiles = { incremental: { place } };
    expect(placed({ execution }, { profiles })).toHaveProperty(
      "serverless.stagingBucket",
      "risk-staging",
    );
    expect(placed({}, { profiles })).toHaveProperty("serverless.stagingBucket", "everybodys");
  });

  test("changes nothing of a cluster that is there", () => {
    const named = { execution: { ...execution, cluster: "chronon-risk" } };
    expect(placed(named)).toEqual({ kind: "cluster", name: "chronon-risk", make: null });
  });
});

test("whom a job runs for is a label, as labels can say it, where there is room", () => {
  const spec = (user: string, task = "risk.gb/upload@2026-03-02") =>
    ({
      task,
      config: "risk.gb",
      mode: "upload",
      run: 1,
      attempt: 1,
      timeoutMs: 1,
      execution: { properties: {}, user },
    }) as unknown as JobSpec;
  const more = { deployment: "d", jobType: "spark", version: "1", now: 0 } as const;
  const label = (of: JobSpec) => jobLabels(of, more)?.["landfall-user"];
  expect(label(spec("Risk.Bot@example.com"))).toBe("risk_bot_example_com");
  expect(label(spec("#!"))).toBeUndefined();
  const full = Array.from({ length: 500 }, (_, n) =>
    spec("me", `${"x".repeat(n * 3)}/u@2026-03-02`),
  )
    .map((of) => jobLabels(of, more))
    .filter((labels) => labels !== null && Object.keys(labels).length === 32);
  expect(full.some((labels) => labels?.["landfall-user"] === undefined)).toBe(true);
});
