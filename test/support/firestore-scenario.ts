import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Subject } from "rxjs";
import { openAlerts } from "../../adapters/alerts/open.ts";
import { openEmbedded } from "../../adapters/embedded/open.ts";
import {
  type FirestoreDatabase,
  firestoreDatabase,
} from "../../adapters/gcp/firestore-database.ts";
import { documentIdOf } from "../../adapters/gcp/firestore-names.ts";
import { bodyOf } from "../../adapters/gcp/firestore-values.ts";
import { taskStoreOver } from "../../adapters/gcp/task-store.ts";
import { readConfigs } from "../../cli/read-configs.ts";
import { runServices } from "../../cli/run-services.ts";
import { commitDelta } from "../../lake/delta-writer.ts";
import { silentLog } from "../../ports/log.ts";
import { noMetrics } from "../../ports/metrics.ts";
import type { World } from "../../ports/world.ts";
import { writeRelease } from "../../releases/release.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import { COLLECTIONS, type Collection, type DocumentId } from "../../schemas/documents.ts";
import { MetricsSettings } from "../../schemas/metrics-settings.ts";
import { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { stagingQueryFiles } from "./staging-queries.ts";

const day = "2026-03-02";

const sources = [
  "payments/transactions",
  "payments/checkouts",
  "crm/merchants",
  "marketing/clicks",
  "logs/fetcher_requests",
  "logs/fetcher_schemas",
];

const settings = Settings.parse({
  externalClosing: { when: "at-landing" },
  pools: { spark: { limit: 2 } },
  poolOfMode: { upload: "spark", backfill: "spark" },
  teams: { risk: { limit: 8 } },
  consistency: { logTable: "logs.fetcher_requests", schemaTable: "logs.fetcher_schemas" },
});

/** One document as it lies in Firestore, its fields as plain JSON. */
export interface Dumped {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The documents of each collection. */
export type Dump = ReadonlyMap<Collection, readonly Dumped[]>;

/**
 * A day of the payments-risk example with its state in Firestore: watcher, dispatcher and tracker
 * run, sources land, somebody asks for a backfill. Answers every document that is left, by
 * collection; `docs/firestore.md` shows some of them.
 */
export async function documentsOfADay(projectId: string): Promise<Dump> {
  const folder = mkdtempSync(join(tmpdir(), "landfall-firestore-"));
  const embedded = openEmbedded({
    data: join(folder, "data"),
    lake: join(folder, "lake"),
    runner: { kind: "rehearsal", behaviour: RehearsalBehaviour.parse({ durationMs: 1_500 }) },
    settings,
    log: silentLog,
  });
  const database = firestoreDatabase({ projectId });
  const world: World = { ...embedded, store: taskStoreOver(database) };
  try {
    await play(world);
    return await dump(database);
  } finally {
    await world.store.close();
    await embedded.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function play(world: World): Promise<void> {
  const compiled = new URL("../../examples/payments-risk/compiled", import.meta.url).pathname;
  const files = [...(await readConfigs(compiled)), ...stagingQueryFiles({ calendar: [] })];
  const release = await writeRelease(world.configs, files);
  await world.bus.publish([{ kind: "configs-released", schema: 1, release }]);
  const stop = new Subject<void>();
  const alerting = alertingOf(world);
  const measuring = { metrics: noMetrics, settings: MetricsSettings.parse({ appendMs: 1_000 }) };
  const beside = { alerting, measuring, streams: true };
  const done = runServices({ world, settings, log: silentLog, stop, ...beside });
  await sleep(2_000);
  for (const table of sources) await land(world, table);
  await sleep(500);
  await world.bus.publish([
    {
      kind: "backfill-requested",
      schema: 1,
      id: "backfill-checkout-march",
      by: "ana@example.com",
      at: world.clock.now(),
      target: "risk.checkout.v1__0",
      start: "2026-02-27",
      end: day,
    },
  ]);
  await sleep(6_000);
  await published(world);
  await stored(world, "job-metrics/read");
  stop.next();
  await done;
}

/** The last of a chain of four jobs that wait for a pool of two. */
function published(world: World): Promise<void> {
  return stored(world, `consistency/risk.checkout.v1__0@${day}`);
}

async function stored({ store }: World, id: DocumentId): Promise<void> {
  while ((await store.read([id])).get(id)?.version === null) await sleep(100);
}

/** Only the one day lands, and yesterday's steps miss their SLA: a log is told, and nobody else. */
function alertingOf({ clock }: World) {
  const alertSettings = AlertSettings.parse({ lookMs: 500, sla: { hours: 6 } });
  const alerts = openAlerts({ settings: alertSettings, log: silentLog, clock, env: {} });
  return { alerts, settings: alertSettings };
}

async function land(world: World, path: string): Promise<void> {
  await commitDelta(
    world.lake,
    { path, partitionColumn: "ds" },
    {
      partitions: [{ partition: day, rows: 1_200 }],
      mode: "append",
      operation: "WRITE",
      engineInfo: "a foreign writer",
      at: world.clock.now(),
    },
  );
}

async function dump(database: FirestoreDatabase): Promise<Dump> {
  const dumped = await Promise.all(
    (Object.keys(COLLECTIONS) as Collection[]).map(async (collection) => {
      const { found } = await database.query({
        from: [{ collectionId: collection }],
        orderBy: [],
        limit: { value: 1_000 },
      });
      return [
        collection,
        found.map(({ path, fields }) => ({
          name: documentIdOf(path) === null ? path : path.slice(collection.length + 1),
          fields: bodyOf(fields),
        })),
      ] as const;
    }),
  );
  return new Map(dumped);
}
