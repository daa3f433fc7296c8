import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { PermanentError, RetryableError } from "../../ports/errors.ts";
import type { PlaceOptions } from "../support/dataproc/place.ts";
import { type DataprocPlace, dataprocPlace, jobEnv } from "../support/dataproc-place.ts";

const places: DataprocPlace[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.close();
});
async function placed(options: PlaceOptions = {}): Promise<DataprocPlace> {
  const place = await dataprocPlace(options);
  places.push(place);
  return place;
}

describe("submitting to Dataproc", () => {
  test("an answer that is lost: the caller tries again, and the job was started once", async () => {
    const at = await placed();
    const runner = at.open();
    const job = at.job();
    at.server.trouble({ method: "SubmitJob", kind: "lost-answer", times: 1 });
    await expect(runner.submit(job)).rejects.toThrow(RetryableError);
    expect(await runner.submit(job)).toEqual({ kind: "exists" });
    expect(await at.open().submit(job)).toEqual({ kind: "exists" });
    expect(at.server.calls("SubmitJob")).toBe(3);
    expect([...at.server.place.jobs]).toHaveLength(1);
  });

  test("a job that exists is this attempt's only if its labels say so", async () => {
    const at = await placed();
    const runner = at.open();
    const job = at.job();
    await runner.submit(job);
    const others = [
      { ...job, run: 2 },
      { ...job, attempt: 2 },
      { ...job, task: "other.config.v1/backfill@2025-09-30" },
    ];
    for (const other of others) {
      expect(await runner.submit(other)).toMatchObject({
        kind: "refused",
        reason: expect.stringContaining("not this attempt's"),
      });
    }
    expect(await runner.submit({ ...job, stepDays: 1 })).toEqual({ kind: "exists" });
  });

  test.each([
    ["unavailable", RetryableError, "may or may not have been taken"],
    ["quota", RetryableError, "a quota of Dataproc is used up"],
    ["unauthenticated", RetryableError, "credentials"],
  ] as const)("%s is tried again", async (kind, error, words) => {
    const at = await placed();
    const runner = at.open();
    at.server.trouble({ method: "SubmitJob", kind, times: 1 });
    const job = at.job();
    const answer = runner.submit(job);
    await expect(answer).rejects.toThrow(error);
    await expect(answer).rejects.toThrow(words);
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
  });

  test("the region's quota of 400 operations a minute is not gone around", async () => {
    const at = await placed({ jobOperationsMax: 2 });
    const runner = at.open();
    await runner.submit(at.job());
    await runner.submit(at.job());
    await expect(runner.submit(at.job())).rejects.toThrow("ask for more quota");
  });

  test("what an operator must see to is refused in one sentence", async () => {
    const at = await placed({ clusters: { "us-central1": ["chronon-risk", "stopped"] } });
    const runner = at.open();
    const on = (cluster: string) => at.job({ execution: { properties: {}, cluster } });
    at.server.trouble({ method: "SubmitJob", kind: "denied", times: 1 });
    expect(await runner.submit(at.job())).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("roles/dataproc.editor"),
    });
    expect(await runner.submit(on("nowhere"))).toEqual({
      kind: "refused",
      reason:
        "cluster nowhere does not exist in us-central1: create it, or change SPARK_CLUSTER_NAME",
    });
    const { VERSION: _, ...env } = jobEnv;
    expect(await runner.submit(at.job({ env }))).toMatchObject({ kind: "refused" });
    const wrong = at.job({ env: { ...jobEnv, ARTIFACT_PREFIX: "/local/artifacts" } });
    expect(await runner.submit(wrong)).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("Invalid URI"),
    });
    at.server.setCluster("stopped", "STOPPED");
    await expect(runner.submit(on("stopped"))).rejects.toThrow("takes no jobs now");
    expect(at.server.calls("GetCluster")).toBe(0);
  });

  test("a conf that is missing from the configs store is refused before Dataproc is asked", async () => {
    const at = await placed();
    const configs = simulatedObjectStore({ clock: systemClock() }).open();
    const runner = at.open({}, { configs });
    const job = at.job();
    expect(await runner.submit(job)).toEqual({
      kind: "refused",
      reason: `${job.conf} is not in the configs store; release the configs again`,
    });
    expect(at.server.calls("SubmitJob")).toBe(0);
    const denied = {
      ...configs,
      async read(): Promise<never> {
        throw new PermanentError("Landfall may not read gs://acme-landfall");
      },
    };
    expect(await at.open({}, { configs: denied }).submit(job)).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("may not read gs://acme-landfall"),
    });
    await configs.write(job.conf, Buffer.from("{}"));
    expect(await runner.submit(job)).toEqual({ kind: "accepted" });
  });
});

describe("clusters that Landfall makes", () => {
  const profiles = { backfill: { place: { on: "ephemeral", secondaryWorkers: 4 } } };
  const ephemeral = (at: DataprocPlace) => at.job({ execution: { properties: {} } });
  const cluster = "lf-landfall-backfill-spot";

  /** Submits as the dispatcher does: again and again, until it is taken. */
  async function untilTaken(submit: () => Promise<{ kind: string }>): Promise<string[]> {
    const said: string[] = [];
    for (;;) {
      try {
        return [...said, (await submit()).kind];
      } catch (cause) {
        if (!(cause instanceof RetryableError)) throw cause;
        said.push(cause.message);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  test("one cluster for all jobs of a profile, and nobody waits while it is made", async () => {
    const at = await placed({ clusters: {}, createMs: 300 });
    const [one, two] = [at.open({ profiles }), at.open({ profiles })];
    await expect(one.submit(ephemeral(at))).rejects.toThrow("is being made");
    const submissions = [one, two, one, two, one].map((runner) => {
      const job = ephemeral(at);
      return untilTaken(() => runner.submit(job));
    });
    for (const said of await Promise.all(submissions)) expect(said.at(-1)).toBe("accepted");
    expect([...at.server.place.clusters.values()]).toMatchObject([
      {
        clusterName: cluster,
        labels: { "landfall-deployment": "landfall" },
        config: {
          secondaryWorkerConfig: { numInstances: 4, preemptibility: "SPOT" },
          lifecycleConfig: { idleDeleteTtl: { seconds: 900 } },
        },
      },
    ]);
    expect(at.server.calls("CreateCluster")).toBeLessThanOrEqual(2);
    expect(at.server.calls("SubmitJob")).toBe(5);
    expect(at.server.calls("GetCluster")).toBeLessThan(25);
  });

  test("one that deleted itself when idle is made again", async () => {
    const at = await placed({ clusters: {} });
    const runner = at.open({ profiles });
    await untilTaken(() => runner.submit(ephemeral(at)));
    at.server.deleteCluster(cluster);
    const job = ephemeral(at);
    const said = await untilTaken(() => runner.submit(job));
    expect(said[0]).toContain("was deleted; it is made again");
    expect(said.at(-1)).toBe("accepted");
  });

  test("one of ours that failed is deleted and made again; another's is left alone", async () => {
    const at = await placed({ clusters: {} });
    const runner = at.open({ profiles });
    await untilTaken(() => runner.submit(ephemeral(at)));
    at.server.setCluster(cluster, "ERROR");
    const job = ephemeral(at);
    const said = await untilTaken(() => runner.submit(job));
    expect(said.join()).toContain("deleted and made again");

    const others = await placed({ clusters: { "us-central1": [cluster] } });
    others.server.setCluster(cluster, "ERROR");
    expect(await others.open({ profiles }).submit(ephemeral(others))).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("not Landfall's to mend"),
    });
    expect(others.server.calls("DeleteCluster")).toBe(0);
  });

  test("a cluster that Dataproc will not make is refused in Dataproc's words", async () => {
    const at = await placed({ clusters: {} });
    at.server.trouble({ method: "CreateCluster", kind: "denied", times: 1 });
    const runner = at.open({ profiles });
    expect(await runner.submit(ephemeral(at))).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining(`cluster ${cluster} cannot be made`),
    });
    at.server.trouble({ method: "CreateCluster", kind: "quota", times: 1 });
    await expect(runner.submit(ephemeral(at))).rejects.toThrow("quota");
  });
});
