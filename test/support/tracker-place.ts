import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filter, firstValueFrom, map, Subject, take, tap, timeout, toArray } from "rxjs";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { directoryObjectStore } from "../../adapters/embedded/object-store.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { JobRunner, JobSpec } from "../../ports/job-runner.ts";
import type { Log } from "../../ports/log.ts";
import type { JobSettled } from "../../schemas/events.ts";
import { type PartitionRange, taskId } from "../../schemas/ids.ts";
import type { PlanStep } from "../../schemas/plan.ts";
import type { RehearsalBehaviour } from "../../schemas/rehearsal.ts";
import { Settings } from "../../schemas/settings.ts";
import { type TrackerPorts, tracker } from "../../services/tracker/pipeline.ts";
import { planOf } from "./plan.ts";
import { rehearsalPlace } from "./rehearsal-place.ts";

export interface Logged {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object;
}

/** Trackers on the embedded world, with jobs rehearsed, and all that they publish. */
export async function trackerPlace(
  steps: readonly PlanStep[],
  behaviour: Partial<RehearsalBehaviour> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "landfall-tracker-"));
  const rehearsal = rehearsalPlace(behaviour, folder);
  const bus = sqliteBus({ file: join(folder, "bus.db") });
  const store = sqliteTaskStore({ file: join(folder, "state.db") });
  const configs = directoryObjectStore({ root: join(folder, "configs") });
  const { lake, keyValueStore } = rehearsal;
  const clock = systemClock();
  const logged: Logged[] = [];
  const at = (level: Logged["level"]) => (fields: object, message: string) => {
    logged.push({ level, message, fields });
  };
  const log: Log = { info: at("info"), warn: at("warn"), error: at("error") };
  const running: { readonly stop: Subject<void>; readonly done: Promise<void> }[] = [];
  let made = 0;

  const release = async (...released: readonly PlanStep[]) => {
    const hash = `plan-${++made}`;
    const plan = { ...planOf(...released).plan, hash };
    await configs.write(`plans/${hash}.json`, Buffer.from(JSON.stringify(plan)));
    const version = (await store.read(["plans/current"])).get("plans/current")?.version ?? null;
    const body = { schema: 1 as const, hash, release: hash, at: made };
    const answer = await store.commit({
      writes: [{ id: "plans/current", body, version }],
      checks: [],
    });
    if (answer.kind !== "committed") throw new Error(answer.kind);
  };
  if (steps.length > 0) await release(...steps);

  return {
    ...rehearsal,
    bus,
    store,
    configs,
    logged,
    release,
    /** A tracker over a runner, running until the place closes; ports may be replaced. */
    track(runner: JobRunner, more: Partial<TrackerPorts> = {}) {
      const stop = new Subject<void>();
      const settings = Settings.parse({});
      const ports = { bus, store, lake, configs, keyValueStore, runner, clock, settings, log };
      const done = new Promise<void>((resolve, reject) => {
        tracker({ ...ports, ...more }, stop).subscribe({ complete: resolve, error: reject });
      });
      const one = {
        done,
        stop: async () => {
          stop.next();
          await done;
        },
      };
      running.push({ stop, done });
      return one;
    },
    /** The next reports, acked. */
    reports(count: number): Promise<JobSettled[]> {
      return firstValueFrom(
        bus.deliveries({ unackedMax: 100, leaseMs: 60_000 }).pipe(
          tap((delivery) => delivery.ack()),
          map(({ event }) => event),
          filter((event) => event.kind === "job-settled"),
          take(count),
          toArray(),
          timeout(15_000),
        ),
      );
    },
    async close() {
      for (const { stop, done } of running) {
        stop.next();
        await done;
      }
      await rehearsal.close();
      for (const port of [bus, store, configs]) await port.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type TrackerPlace = Awaited<ReturnType<typeof trackerPlace>>;

/** The job of a step for a range, as the dispatcher would submit it. */
export function jobOf(step: PlanStep, range: PartitionRange, more: Partial<JobSpec> = {}): JobSpec {
  return {
    jobId: `job-${Math.random().toString(36).slice(2)}`,
    task: taskId(step.id, range),
    run: 1,
    attempt: 1,
    config: step.config,
    confType: step.confType,
    team: step.team,
    mode: step.mode,
    range,
    conf: "conf",
    confPath: step.conf.path,
    env: {},
    execution: { properties: {} },
    output:
      step.output === undefined
        ? null
        : { table: step.output, column: step.outputColumn, effect: step.effect },
    inputs: [],
    stepDays: step.stepDays,
    timeoutMs: 3_600_000,
    ...more,
  };
}
