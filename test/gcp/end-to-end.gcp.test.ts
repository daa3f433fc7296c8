import { PubSub } from "@google-cloud/pubsub";
import { afterAll, beforeAll, expect, test } from "vitest";
import { busTopics } from "../../adapters/gcp/pubsub-topics.ts";
import { BATCH_TABLE, servedDay, servingInfoKey } from "../../core/serving-info.ts";
import type { CommandDocument } from "../../schemas/commands.ts";
import type { LandingsDocument } from "../../schemas/landings.ts";
import { emulated } from "../support/emulators/emulated.ts";
import { type Proxied, proxied, startAll } from "../support/gcp/chaos.ts";
import { type CloudDeployment, cloudDeployment } from "../support/gcp/deployment.ts";
import type { ServiceProcess } from "../support/gcp/process.ts";

const example = new URL("../../examples/payments-risk", import.meta.url).pathname;
const day = "2026-03-02";
const external = [
  "crm.merchants",
  "marketing.clicks",
  "partners.fraud_scores",
  "payments.checkouts",
  "payments.transactions",
];

const firstTenDays = Array.from(
  { length: 10 },
  (_, nth) => `2026-02-${`${nth + 1}`.padStart(2, "0")}`,
);
const checkoutTable = "risk_data.risk_checkout_v1__0";

const consistency = {
  logTable: "logs.fetcher_requests",
  schemaTable: "logs.fetcher_schemas",
};

emulated(["pubsub", "firestore", "bigtable", "storage"], "end to end", ({ project }) => {
  let at: CloudDeployment;
  /** Tells the emulator of subscribers that are gone, which gives their messages away for ever. */
  let through: Proxied;
  let started: readonly ServiceProcess[] = [];
  const start = () => {
    started = startAll(at, through.env).map(({ running }) => running);
  };
  beforeAll(async () => {
    at = await cloudDeployment({ project, configs: example, more: { consistency } });
    through = await proxied();
    start();
    await at.release();
    await Promise.all(started.map((service) => service.ready()));
  }, 120_000);
  afterAll(async () => {
    await at.close();
    await through.close();
  });

  const states = async () =>
    (await at.tasks()).map(({ id, state }) => `${id} ${state.kind}`).toSorted();

  test("a day that lands in the bucket runs every step of the example on Dataproc, into Bigtable and Firestore", {
    timeout: 180_000,
  }, async () => {
    for (const table of [...external, ...Object.values(consistency)]) await at.land(table, day);
    await expect
      .poll(async () => (await states()).filter((line) => line.endsWith(" succeeded")).length, {
        timeout: 100_000,
        interval: 500,
      })
      .toBe(16);
    expect(await states()).toHaveLength(16);
    const loads = (await at.tasks()).filter(({ mode }) => mode === "upload-to-kv");
    expect(loads.length).toBeGreaterThan(2);
    for (const { config } of loads) {
      const [cell] = await at.world.keyValueStore.read(BATCH_TABLE, [servingInfoKey(config)]);
      if (cell === undefined) throw new Error(`${config} was not loaded`);
      expect(servedDay(cell, day)).toMatchObject({ kind: "served" });
    }
    expect(new Set(at.begun()).size).toBe(at.begun().length);
    // publish-metrics has no job.
    expect(at.begun()).toHaveLength(15);
    const id = `consistency/risk.checkout.v1__0@${day}` as const;
    const published = (await at.world.store.read([id])).get(id)?.body;
    expect(published).toMatchObject({
      hours: 24,
      compared: 1,
      match: expect.any(Number) as number,
    });
  });

  test("a backfill of ten days, published as JSON by hand, runs to its end and leaves its documents", {
    timeout: 120_000,
  }, async () => {
    const pubsub = new PubSub({ projectId: project });
    const { topic } = busTopics(at.settings.deployment).commands;
    for (const table of external) {
      for (const date of firstTenDays) await at.land(table, date);
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
    const done = (await at.tasks()).filter(({ id }) => asked.includes(id));
    expect(done.map(({ requestedBy }) => requestedBy)).toEqual(asked.map(() => ["february"]));
    expect(
      done
        .map(({ start, end }) => [start, end])
        .flat()
        .toSorted(),
    ).toMatchObject({
      0: "2026-02-01",
      [2 * asked.length - 1]: "2026-02-10",
    });
    const landings = await at.world.store.read([`landings/${checkoutTable}@2026-02`]);
    const [february] = [...landings.values()].map(({ body }) => body as LandingsDocument | null);
    expect(Object.keys(february?.partitions ?? {}).toSorted()).toEqual(firstTenDays);
    const documents = [await document(), ...done, february];
    process.stderr.write(`${documents.map((each) => JSON.stringify(each)).join("\n")}\n`);
    await pubsub.close();
  });

  test("told to end in the midst of work, all services end within ten seconds, and the next ones finish it", {
    timeout: 180_000,
  }, async () => {
    const next = "2026-03-03";
    const ofNext = async () => (await at.tasks()).filter(({ end }) => end === next);
    for (const table of [...external, consistency.logTable, consistency.schemaTable]) {
      await at.land(table, next);
    }
    await expect.poll(async () => (await ofNext()).length, { timeout: 60_000 }).toBeGreaterThan(0);
    const took = await Promise.all(
      started.map(async (service) => {
        const begun = performance.now();
        expect(await service.end("SIGTERM")).toBe(0);
        return Math.round(performance.now() - begun);
      }),
    );
    process.stderr.write(`services ended within ${took.join(", ")} ms of SIGTERM\n`);
    expect(Math.max(...took)).toBeLessThan(10_000);
    start();
    // The others read windows, in which days are missing since the backfill told of a first one.
    const waits = async () =>
      (await ofNext()).filter(({ state }) => state.kind !== "succeeded").map(({ why }) => why);
    const done = async () => (await ofNext()).length - (await waits()).length;
    await expect.poll(done, { timeout: 120_000, interval: 500 }).toBe(8);
    expect((await waits()).filter((why) => !why.includes("has not landed"))).toEqual([]);
    expect(new Set(at.begun()).size).toBe(at.begun().length);
  });
});
