import { Subject } from "rxjs";
import { expect, test, vi } from "vitest";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { bigtableInstance } from "../../adapters/gcp/bigtable-client.ts";
import { createBigtableTable } from "../../adapters/gcp/bigtable-table.ts";
import { bigtableKeyValueStore } from "../../adapters/gcp/key-value-store.ts";
import { firestoreTaskStore } from "../../adapters/gcp/task-store.ts";
import { simulatedObjectStore } from "../../adapters/simulated/object-store.ts";
import { metadataRowKey } from "../../core/metadata.ts";
import { silentLog } from "../../ports/log.ts";
import { writeRelease } from "../../releases/release.ts";
import type { MetadataDocument } from "../../schemas/metadata.ts";
import { Settings } from "../../schemas/settings.ts";
import { metadataKeeper } from "../../services/dispatcher/metadata/uploads.ts";
import { plansOf } from "../../services/dispatcher/plans.ts";
import { emulated, freshProject } from "../support/emulators/emulated.ts";
import { joinFiles } from "../support/metadata-place.ts";

const table = "CHRONON_METADATA";
const joins = Object.fromEntries(
  Array.from({ length: 250 }, (_, n) => [`team${n % 3}.j${n}`, "1"]),
);

/** An uploader with its ledger in Firestore and its rows in Bigtable. */
async function uploading() {
  const projectId = freshProject();
  const place = { projectId, instanceId: "features" };
  const store = firestoreTaskStore({ projectId });
  const keyValueStore = bigtableKeyValueStore(place);
  const clock = systemClock();
  const configs = simulatedObjectStore({ clock }).open();
  const settings = Settings.parse({ tickMs: 50, metadata: { removal: "delete" } });
  const plans = plansOf({ store, configs, settings, clock });
  const stop = new Subject<void>();
  const ports = { store, configs, keyValueStore, clock, settings, plans, log: silentLog, by: "me" };
  metadataKeeper(ports).keep(stop).subscribe();
  return {
    place,
    keyValueStore,
    async release(of: Readonly<Record<string, string>>) {
      await plans.release(await writeRelease(configs, joinFiles(of)));
      await plans.refresh();
    },
    async head() {
      const read = await store.read(["metadata/current"]);
      return (read.get("metadata/current")?.body ?? null) as MetadataDocument | null;
    },
    async close() {
      stop.next();
      await Promise.all([store.close(), keyValueStore.close()]);
    },
  };
}

emulated(["firestore", "bigtable"], "metadata in Bigtable, its ledger in Firestore", () => {
  test("a missing table and one of another family are told; made, they are filled; a row goes with its config", async () => {
    const at = await uploading();
    const soon = { timeout: 30_000, interval: 100 };
    await at.release(joins);
    await vi.waitFor(async () => {
      const { uploaded, trouble } = (await at.head()) ?? {};
      expect(uploaded).toBeNull();
      expect(trouble?.sentence).toContain(`table ${table} or its instance is not there: create it`);
    }, soon);
    const { instance, close } = bigtableInstance(at.place);
    await instance.createTable(table, { families: ["data"] });
    await vi.waitFor(async () => {
      expect((await at.head())?.trouble?.sentence).toContain(`table ${table} has no family cf`);
    }, soon);
    await instance.table(table).delete();
    await close();
    await createBigtableTable(at.place, table);
    await vi.waitFor(async () => {
      expect(await at.head()).toMatchObject({
        uploaded: { rows: 250 },
        trouble: null,
        writing: null,
      });
    }, soon);
    const { "team0.j0": _gone, ...rest } = joins;
    await at.release({ ...rest, "team1.j1": "2" });
    await vi.waitFor(async () => {
      expect(await at.head()).toMatchObject({ uploaded: { rows: 249, changed: 1 }, remark: null });
    }, soon);
    const keys = ["team0.j0", "team1.j1"].map((name) => metadataRowKey(table, `joins/${name}`));
    const cells = await at.keyValueStore.read(table, keys);
    const text = joinFiles({ "team1.j1": "2" })[0]?.text;
    expect(cells.map(({ value }) => Buffer.from(value).toString("utf8"))).toEqual([text]);
    await at.close();
  }, 90_000);
});
