import { PubSub } from "@google-cloud/pubsub";
import { afterAll, beforeAll, expect, test } from "vitest";
import { busTopics } from "../../adapters/gcp/pubsub-topics.ts";
import { BATCH_TABLE, servedDay, servingInfoKey } from "../../core/serving-info.ts";
import type { CommandDocument } from "../../schemas/commands.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { type CloudDeployment, cloudDeployment } from "../support/gcp/deployment.ts";
import { build } from "../support/gcp/process.ts";

const example = new URL("../../examples/payments-risk", import.meta.url).pathname;
const day = "2026-03-02";
const external = [
  "crm.merchants",
  "marketing.clicks",
  "partners.fraud_scores",
  "payments.checkouts",
  "payments.transactions",
];

emulated(["pubsub", "firestore", "bigtable", "storage"], "end to end", ({ project }) => {
  let at: CloudDeployment;
  beforeAll(async () => {
    build();
    at = await cloudDeployment({ project, configs: example });
    const started = [
      at.start("watcher", "watcher"),
      at.start("dispatcher", "dispatcher-a"),
      at.start("dispatcher", "dispatcher-b"),
      at.start("tracker", "tracker"),
    ];
    await at.release();
    await Promise.all(started.map((service) => service.ready()));
  }, 120_000);
  afterAll(() => at.close());

  const states = async () =>
    (await at.tasks()).map(({ id, state }) => `${id} ${state.kind}`).toSorted();

  test("a day that lands in the bucket runs every step of the example on Dataproc, into Bigtable", {
    timeout: 120_000,
  }, async () => {
    for (const table of external) await at.land(table, day);
    await expect
      .poll(async () => (await states()).filter((line) => line.endsWith(" succeeded")).length, {
        timeout: 100_000,
        interval: 500,
      })
      .toBe(12);
    expect(await states()).toHaveLength(12);
    const loads = (await at.tasks()).filter(({ mode }) => mode === "upload-to-kv");
    expect(loads.length).toBeGreaterThan(2);
    for (const { config } of loads) {
      const [cell] = await at.world.keyValueStore.read(BATCH_TABLE, [servingInfoKey(config)]);
      if (cell === undefined) throw new Error(`${config} was not loaded`);
      expect(servedDay(cell, day)).toMatchObject({ kind: "served" });
    }
    expect(new Set(at.begun()).size).toBe(at.begun().length);
    expect(at.begun()).toHaveLength(12);
  });

  test("a backfill of ten days, published as JSON by hand, runs to its end and leaves its documents", {
    timeout: 120_000,
  }, async () => {
    const pubsub = new PubSub({ projectId: project });
    const { topic } = busTopics(at.settings.deployment).commands;
    for (const table of external) {
      for (let date = 1; date <= 10; date += 1) {
        await at.land(table, `2026-02-${`${date}`.padStart(2, "0")}`);
      }
    }
    const command = {
      kind: "backfill-requested",
      schema: 1,
      id: "february",
      by: "ana@example.com",
      at: Date.now(),
      target: "risk.checkout.v1__0",
      start: "2026-02-01",
      end: "2026-02-10",
    };
    await pubsub.topic(topic).publishMessage({ data: Buffer.from(JSON.stringify(command)) });
    const document = async () => {
      const read = await at.world.store.read(["commands/february"]);
      return (read.get("commands/february")?.body ?? null) as CommandDocument | null;
    };
    await expect
      .poll(async () => (await document())?.outcome.kind, { timeout: 60_000 })
      .toBe("accepted");
    const { outcome } = (await document()) ?? {};
    const asked = outcome?.kind === "accepted" ? outcome.tasks : [];
    expect(asked.length).toBeGreaterThan(0);
    const left = async () => {
      const tasks = await at.tasks();
      return asked.filter((id) => tasks.find((task) => task.id === id)?.state.kind !== "succeeded");
    };
    await expect.poll(left, { timeout: 100_000, interval: 500 }).toEqual([]);
    await pubsub.close();
  });
});
