import { dueNotices, nextAlerts } from "../../../core/alerts/changes.ts";
import { alertsFor } from "../../../core/alerts/groups.ts";
import { STATUS } from "../../../core/status.ts";
import type { DocumentVersion, Write } from "../../../ports/task-store.ts";
import type { AlertDocument } from "../../../schemas/alerts.ts";
import type { DocumentOf } from "../../../schemas/documents.ts";
import type { TaskId } from "../../../schemas/ids.ts";
import { readAll } from "../read.ts";
import type { Eyes } from "./eyes.ts";
import type { AlertingPorts } from "./pipeline.ts";

/** An alert as it is stored. */
export interface KeptAlert {
  readonly alert: AlertDocument;
  readonly version: DocumentVersion | null;
}

const index = "alerting/open";

/**
 * Looks, and stores alerts as they should be. Answers all there are, or null when another tracker
 * stored at the same moment: the next look sees what it did.
 */
export async function keepAlerts(
  ports: AlertingPorts,
  eyes: Eyes,
): Promise<readonly KeptAlert[] | null> {
  const { store, clock, alerts, settings } = ports;
  const known = await readAlerts(store);
  const now = clock.now();
  const { signals, unseen } = await eyes.look(
    now,
    known.alerts.map(({ alert }) => alert),
  );
  const isOpen = (key: string) => known.alerts.some(({ alert }) => alert.key === key);
  const wanted = alertsFor(signals, { settings: settings.alerts, isOpen });
  const gone = known.alerts.filter(({ alert }) => !wanted.some(({ key }) => key === alert.key));
  const next = nextAlerts({
    wanted,
    known: known.alerts.map(({ alert }) => alert),
    unsettled: await unsettledTasks(ports, gone),
    unseen,
    now,
    quietMs: settings.alerts.quietMs,
  });
  const over = (alert: AlertDocument) =>
    alert.state === "closed" && dueNotices(alert, alerts.routesOf(alert.team)).length === 0;
  return stored(store, known, { next, over });
}

/** All alerts there are, and the document that names them. */
interface KnownAlerts {
  readonly alerts: readonly KeptAlert[];
  readonly index: { readonly version: DocumentVersion | null; readonly keys: readonly string[] };
}

/** Reads every alert by the keys that `alerting/open` names. */
export async function readAlerts(store: AlertingPorts["store"]): Promise<KnownAlerts> {
  const named = (await store.read([index])).get(index);
  const keys = (named?.body as DocumentOf<typeof index> | null)?.keys ?? [];
  const read = await readAll(
    store,
    keys.map((key) => `alerts/${key}` as const),
  );
  const alerts = [...read.values()].flatMap(({ version, body }) =>
    body === null ? [] : [{ alert: body as AlertDocument, version }],
  );
  return { alerts, index: { version: named?.version ?? null, keys } };
}

/** Which tasks of alerts whose cause is gone are still to end. */
async function unsettledTasks(
  { store }: AlertingPorts,
  gone: readonly KeptAlert[],
): Promise<ReadonlySet<TaskId>> {
  const ids = [...new Set(gone.flatMap(({ alert }) => alert.tasks))];
  const read = await readAll(
    store,
    ids.map((id) => `tasks/${id}` as const),
  );
  return new Set(
    ids.filter((id) => {
      const task = read.get(`tasks/${id}`)?.body as DocumentOf<`tasks/${string}`> | null;
      return task !== null && !STATUS[task.state.kind].terminal;
    }),
  );
}

async function stored(
  store: AlertingPorts["store"],
  known: KnownAlerts,
  { next, over }: { next: readonly AlertDocument[]; over: (alert: AlertDocument) => boolean },
): Promise<readonly KeptAlert[] | null> {
  const before = new Map(known.alerts.map((kept) => [kept.alert.key, kept]));
  const writes = next.flatMap((alert): Write[] => {
    const { alert: was = null, version = null } = before.get(alert.key) ?? {};
    const id = `alerts/${alert.key}` as const;
    if (over(alert)) return version === null ? [] : [{ id, body: null, version }];
    return was === alert ? [] : [{ id, body: alert, version }];
  });
  const left = next.filter((alert) => !over(alert));
  const keys = left.map(({ key }) => key).toSorted();
  const sameKeys = keys.join("\n") === known.index.keys.join("\n");
  const { version } = known.index;
  if (writes.length === 0 && sameKeys) return kept(left, before, null);
  const answer = await store.commit({
    writes: sameKeys ? writes : [...writes, { id: index, body: { schema: 1, keys }, version }],
    checks: sameKeys ? [{ id: index, version }] : [],
  });
  if (answer.kind !== "committed") return null;
  return kept(left, before, answer.version);
}

function kept(
  alerts: readonly AlertDocument[],
  before: ReadonlyMap<string, KeptAlert>,
  written: DocumentVersion | null,
): readonly KeptAlert[] {
  return alerts.map((alert) => {
    const was = before.get(alert.key);
    return { alert, version: was?.alert === alert ? was.version : written };
  });
}
