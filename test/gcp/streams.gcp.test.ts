import { afterAll, beforeAll, expect, test } from "vitest";
import type { StreamDocument } from "../../schemas/streams.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { type CloudDeployment, cloudDeployment } from "../support/gcp/deployment.ts";
import type { ServiceProcess } from "../support/gcp/process.ts";

const example = new URL("../../examples/payments-risk", import.meta.url).pathname;
const config = "risk.merchant_features.v1__0";
const day = "2026-03-02";

emulated(["pubsub", "firestore", "bigtable", "storage"], "streams", ({ project }) => {
  let at: CloudDeployment;
  const dispatchers: ServiceProcess[] = [];
  beforeAll(async () => {
    at = await cloudDeployment({ project, configs: example, streams: true });
    dispatchers.push(
      at.start("dispatcher", "dispatcher-1"),
      at.start("dispatcher", "dispatcher-2"),
    );
    at.start("watcher", "watcher");
    at.start("tracker", "tracker");
    await at.release(["payments.transactions"]);
  }, 120_000);
  afterAll(() => at.close());

  const stream = async () => {
    const read = await at.world.store.read([`streams/${config}`]);
    return (read.get(`streams/${config}`)?.body ?? null) as StreamDocument | null;
  };
  const running = async () => (await at.world.runner.streams?.running()) ?? [];
  const until = (attempt: number) =>
    expect
      .poll(
        async () => {
          const { state, attempts } = (await stream()) ?? {};
          return `${state?.kind} ${attempts?.at(-1)?.attempt}`;
        },
        { timeout: 90_000, interval: 300 },
      )
      .toBe(`running ${attempt}`);

  test("one is begun after its upload, and goes on from its checkpoint when it ends or its keepers die", {
    timeout: 240_000,
  }, async () => {
    await at.land("payments.transactions", day);
    await at.land("crm.merchants", day);
    await until(1);
    const first = await stream();
    expect(first?.attempts[0]).toMatchObject({ from: null, outcome: null });
    expect(first?.seen.manifest?.parentJobId).toBe(first?.attempts[0]?.jobId);

    await at.world.runner.cancel(first?.attempts[0]?.jobId ?? "");
    await until(2);
    const second = await stream();
    expect(second?.attempts[0]).toMatchObject({ outcome: "cancelled" });
    expect(second?.attempts[1]?.from?.path).toMatch(/^checkpoints\/[0-9a-f]{32}\/chk-\d+$/);

    for (const dispatcher of dispatchers) await dispatcher.end("SIGKILL");
    await at.world.runner.cancel(second?.attempts[1]?.jobId ?? "");
    at.start("dispatcher", "dispatcher-3");
    await until(3);
    const third = await stream();
    expect(third?.checkpoint?.n).toBeGreaterThan(third?.attempts[2]?.from?.n ?? 1_000);
    expect(await running()).toEqual([
      { jobId: third?.attempts[2]?.jobId, config, state: "running" },
    ]);
    const ids = at.begun();
    expect(new Set(ids).size).toBe(ids.length);
  });
});
