import { expect, test } from "vitest";
import { simulatedKeyValueStore } from "../../adapters/simulated/key-value-store.ts";
import { sha256Hex } from "../../core/hash.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { batchTimestamp, servingInfoKey, servingInfoValue } from "../../core/serving-info.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import { silentLog } from "../../ports/log.ts";
import { deleteRows, writeRows } from "../../services/dispatcher/metadata/rows.ts";
import { outputsSeen, type Verifying } from "../../services/tracker/verify.ts";
import { planOf, step } from "../support/plan.ts";

/** A deployment's instance, and others that are made as they are asked for. */
function instances() {
  const usual = simulatedKeyValueStore().open();
  const others = new Map<string, KeyValueStore>();
  const store: KeyValueStore = {
    ...usual,
    at(instance) {
      const known = others.get(instance) ?? simulatedKeyValueStore().open();
      others.set(instance, known);
      return known;
    },
  };
  return store;
}

const clock = { now: () => 1_000 } as Verifying["clock"];

test("an upload-to-kv is looked for in the instance its job was given, and nowhere else", async () => {
  const keyValueStore = instances();
  const day = "2025-09-30";
  const key = servingInfoKey("risk.gb");
  const value = servingInfoValue({ groupBy: {}, keyColumns: ["k"], partition: day });
  const cell = { key, value, timestamp: batchTimestamp(day) };
  await keyValueStore.at("risk-features").write("GROUPBY_BATCH", [cell]);
  const seen = async (env: Record<string, string>) => {
    const kv = { mode: "upload-to-kv", verification: "serving-info", output: "", env } as const;
    const of = step("risk.gb", [], kv);
    const verifying = { keyValueStore, clock, log: silentLog } as Verifying;
    const range = { start: day, end: day };
    const [output] = await outputsSeen(verifying, { plan: planOf(of), step: of, range });
    return output?.landing?.version.n ?? null;
  };
  expect(await seen({ GCP_BIGTABLE_INSTANCE_ID: "risk-features" })).toBe(batchTimestamp(day));
  expect(await seen({ GCP_BIGTABLE_INSTANCE_ID: "other" })).toBeNull();
  expect(await seen({})).toBeNull();
});

test("metadata is written, read back and deleted where its row belongs", async () => {
  const keyValueStore = instances();
  const text = "{}";
  const conf = { path: "compiled/joins/risk/j", hash: sha256Hex(text) };
  const configs = { read: async () => ({ bytes: Buffer.from(text) }) };
  const ports = { keyValueStore, clock, configs } as unknown as Parameters<typeof writeRows>[0];
  const rows = [
    { key: "joins/risk.j", team: "risk", conf, instance: "risk-features" },
    { key: "joins/growth.j", team: "growth", conf },
  ];
  expect(await writeRows(ports, { table: "T", keep: async () => {} }, rows)).toEqual([]);
  const keys = rows.map(({ key }) => metadataRowKey("T", key));
  const lying = async (store: KeyValueStore) =>
    (await store.read("T", keys)).map((cell) => Buffer.from(cell.key).toString());
  expect(await lying(keyValueStore)).toEqual(["T#joins/growth.j"]);
  expect(await lying(keyValueStore.at("risk-features"))).toEqual(["T#joins/risk.j"]);
  await deleteRows(
    ports,
    "T",
    rows.map(({ key, instance }) => ({
      key,
      hash: conf.hash,
      ...(instance === undefined ? {} : { instance }),
    })),
  );
  expect(await lying(keyValueStore)).toEqual([]);
  expect(await lying(keyValueStore.at("risk-features"))).toEqual([]);
});
