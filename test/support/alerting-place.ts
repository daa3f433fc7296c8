import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Subject } from "rxjs";
import { openAlerts } from "../../adapters/alerts/open.ts";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { Log } from "../../ports/log.ts";
import { AlertSettings } from "../../schemas/alert-settings.ts";
import type { AlertDocument } from "../../schemas/alerts.ts";
import type { LandingsDocument } from "../../schemas/landings.ts";
import type { Plan, PlanStep } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import type { Task } from "../../schemas/tasks.ts";
import { readAlerts } from "../../services/tracker/alerts/keep.ts";
import { type AlertingPorts, looksOf } from "../../services/tracker/alerts/pipeline.ts";
import { alertReceiver } from "./alert-receiver.ts";
import { planOf } from "./plan.ts";

/** What its webhook was told, in order: `opened step-failed risk 1`. */
export type Told = string;

/** A tracker's alerts over an embedded world and a webhook, at a time that the test sets. */
export async function alertingPlace(start: number, more: object = {}, general: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), "landfall-alerting-"));
  const receiver = await alertReceiver();
  const store = sqliteTaskStore({ file: join(folder, "state.db") });
  const bus = sqliteBus({ file: join(folder, "bus.db") });
  const configs = directoryObjectStore({ root: folder });
  const lines: string[] = [];
  const at =
    (level: string): Log["info"] =>
    (fields, message) =>
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = { info: at("info"), warn: at("warn"), error: at("error") };
  let now = start;
  const clock = { ...systemClock(), now: () => now };
  const settings = {
    ...Settings.parse(general),
    deployment: "landfall",
    alerts: AlertSettings.parse({
      routes: { hook: { kind: "webhook", key: { env: "HOOK_KEY" }, url: receiver.url } },
      defaultRoutes: ["hook", "log"],
      quietMs: 60_000,
      answerMs: 1_500,
      ...more,
    }),
  };
  const alerts = openAlerts({
    settings: settings.alerts,
    log,
    clock,
    env: { HOOK_KEY: "s3cret" },
  });
  const ports: AlertingPorts = { alerts, store, bus, configs, clock, settings, log };

  const put = async (
    id: `tasks/${string}` | `landings/${string}` | "plans/current",
    body: object,
  ) => {
    const version = (await store.read([id])).get(id)?.version ?? null;
    const answer = await store.commit({
      writes: [{ id, body: body as Task, version }],
      checks: [],
    });
    if (answer.kind !== "committed") throw new Error(answer.kind);
  };

  return {
    ports,
    receiver,
    lines,
    put: (...tasks: readonly Task[]) =>
      tasks.reduce(
        (before, task) => before.then(() => put(`tasks/${task.id}`, task)),
        Promise.resolve(),
      ),
    /** Months of tables as they now are. */
    async seen(...months: readonly LandingsDocument[]) {
      for (const of of months) await put(`landings/${of.table}@${of.month}`, of);
    },
    async release(...steps: readonly PlanStep[]) {
      await this.releaseOf({}, ...steps);
    },
    /** The same, of a plan that says more. */
    async releaseOf(content: Partial<Plan>, ...steps: readonly PlanStep[]) {
      const hash = `plan-${steps.map(({ id }) => id.replaceAll("/", ".")).join("-")}`;
      const plan = { ...planOf(...steps).plan, ...content, hash };
      await configs.write(`plans/${plan.hash}.json`, Buffer.from(JSON.stringify(plan)));
      await put("plans/current", { schema: 1, hash: plan.hash, release: "r", at: now });
    },
    passes(ms: number) {
      now += ms;
    },
    /** Another process's looks. */
    looks: (of: Partial<AlertingPorts> = {}) => looksOf({ ...ports, ...of }, new Subject()),
    told: (): Told[] =>
      receiver.received.map(({ body }) => {
        const { change, kind, team, count } = JSON.parse(body) as Record<string, string>;
        return `${change} ${kind} ${team} ${count}`;
      }),
    async open(): Promise<readonly AlertDocument[]> {
      return (await readAlerts(store)).alerts.map(({ alert }) => alert);
    },
    async close() {
      await receiver.close();
      for (const port of [store, bus, configs]) await port.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type AlertingPlace = Awaited<ReturnType<typeof alertingPlace>>;
