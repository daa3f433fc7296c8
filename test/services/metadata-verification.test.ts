import { describe, expect, test } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { simulatedKeyValueStore } from "../../adapters/simulated/key-value-store.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { silentLog } from "../../ports/log.ts";
import { Settings } from "../../schemas/settings.ts";
import { outputsSeen, type Verifying } from "../../services/tracker/verify.ts";
import { task } from "../support/documents.ts";
import { planOf, step } from "../support/plan.ts";

describe("metadata that a job uploads", () => {
  const conf = { path: "compiled/joins/risk/a", hash: "1" };
  const upload = step("risk.a", [], {
    mode: "metadata-upload",
    confType: "joins",
    effect: "none",
    verification: "metadata-row",
    output: "",
    conf,
  });
  const own = { start: "2025-09-02", end: "2025-09-02" };
  const id = "risk.a/metadata-upload@2025-09-02";
  const compiled = (word: string) => Buffer.from(`{"b": "${word}", "a": 100.0, "ours": 1}`);

  test.each([
    { is: "as Chronon writes it", row: '{"a":100,"b":"one"}', claimed: "1", there: true },
    { is: "of a conf released since", row: '{"a":100,"b":"two"}', claimed: "1", there: false },
    { is: "half written", row: '{"a":100,', claimed: "1", there: false },
    { is: "of a task that nobody claimed", row: '{"a":100,"b":"one"}', there: false },
  ])("a row $is", async ({ row, claimed, there }) => {
    const keyValueStore = simulatedKeyValueStore().open();
    const configs = simulatedObjectStore({ clock: systemClock() }).open();
    await configs.write("confs/1/a", compiled("one"));
    await configs.write("confs/2/a", compiled("two"));
    const key = metadataRowKey("CHRONON_METADATA", "joins/risk.a");
    await keyValueStore.write("CHRONON_METADATA", [
      { key, value: Buffer.from(row), timestamp: 5_000 },
    ]);
    const body = task(id, claimed === undefined ? {} : { conf: claimed });
    const store = { read: async () => new Map([[`tasks/${id}`, { version: "1", body }]]) };
    const settings = Settings.parse({});
    const ports = { keyValueStore, configs, store, settings, clock: systemClock() };
    const verifying = { ...ports, log: silentLog } as unknown as Verifying;
    const released = { ...upload, conf: { ...conf, hash: "2" } };
    const of = { plan: planOf(released), step: released, range: own };
    const [seen] = await outputsSeen(verifying, of);
    expect(seen?.landing?.version ?? null).toEqual(there ? { epoch: 0, n: 5_000 } : null);
  });
});
