import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../adapters/embedded/object-store.ts";
import { createBigtableTable } from "../adapters/gcp/bigtable-table.ts";
import { bigtableKeyValueStore } from "../adapters/gcp/key-value-store.ts";
import { firestoreTaskStore } from "../adapters/gcp/task-store.ts";
import { type Log, silentLog } from "../ports/log.ts";
import { writeRelease } from "../releases/release.ts";
import { Settings } from "../schemas/settings.ts";
import { type MetadataPorts, uploadsOf } from "../services/dispatcher/metadata/uploads.ts";
import { plansOf } from "../services/dispatcher/plans.ts";
import { onEmulators } from "./on-emulators.ts";
import { print } from "./print.ts";

/**
 * 10,000 joins of 4 kB in the metadata of a Bigtable emulator, with the ledger in Firestore's: all of
 * them, 1,000 that changed, and a release in which none did; each from the plan in memory on.
 */
const configs = Number(process.env["BENCH_CONFIGS"] ?? 10_000);
const changed = Math.round(configs / 10);
const teams = 20;

function files(word: string): { path: string; text: string }[] {
  return Array.from({ length: configs }, (_, nth) => {
    const team = `team${nth % teams}`;
    const name = `${team}.join${nth}`;
    const description = `${nth < changed ? word : "same"} `.padEnd(3_800, "x");
    const metaData = { name, team, outputNamespace: "out", description };
    const left = { events: { table: "data.x", query: { selects: { a: "a" } } } };
    const text = JSON.stringify({ metaData, left, joinParts: [] });
    return { path: `compiled/joins/${team}/join${nth}`, text };
  });
}

async function measure(folder: string): Promise<void> {
  const projectId = `bench-${process.pid}`;
  const store = firestoreTaskStore({ projectId });
  const place = { projectId, instanceId: "features" };
  await createBigtableTable(place, "CHRONON_METADATA");
  const keyValueStore = bigtableKeyValueStore(place);
  const clock = systemClock();
  const settings = Settings.parse({});
  const objects = directoryObjectStore({ root: join(folder, "configs") });
  const plans = plansOf({ store, configs: objects, settings, clock });
  const done: object[] = [];
  const log: Log = { ...silentLog, info: (fields) => void done.push(fields) };
  const by = "bench";
  const ports: MetadataPorts = {
    store,
    configs: objects,
    keyValueStore,
    clock,
    settings,
    plans,
    log: { ...log, warn: (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`) },
    by,
  };
  const uploads = uploadsOf(ports);
  const timed = async (what: string) => {
    // How long decisions in the same process would have had to wait.
    const pauses = monitorEventLoopDelay({ resolution: 1 });
    pauses.enable();
    const begun = performance.now();
    const cpu = process.cpuUsage();
    await uploads.look();
    const { user, system } = process.cpuUsage(cpu);
    const ms = Math.round(performance.now() - begun);
    pauses.disable();
    const longestPauseMs = Math.round(pauses.max / 1e6);
    const cpuMs = Math.round((user + system) / 1_000);
    print({ bench: "metadata", what, configs, ms, cpuMs, longestPauseMs, ...done.at(-1) });
    done.length = 0;
  };
  const release = async (word: string) => {
    await plans.release(await writeRelease(objects, files(word)));
    await plans.refresh();
  };
  await release("first");
  await timed("first upload");
  await release("second");
  await timed("changed");
  // Another plan in which nothing of the metadata is different: only problems are.
  await plans.release(
    await writeRelease(objects, [
      ...files("second"),
      { path: "compiled/joins/team0/odd", text: "not JSON" },
    ]),
  );
  await plans.refresh();
  await timed("no change");
  await Promise.all([store.close(), keyValueStore.close(), objects.close()]);
}

await onEmulators({ only: ["firestore", "bigtable"] }, measure);
