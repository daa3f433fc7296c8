import { NEVER, Observable } from "rxjs";
import type { SimulatedTime } from "../../adapters/simulated/clock.ts";
import type { Alerts } from "../../ports/alerts.ts";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner, JobStatus, RunningStream, StreamJobs } from "../../ports/job-runner.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { World } from "../../ports/world.ts";
import { dataprocRunnerOf } from "./dataproc-ports.ts";
import { keyValuesOf } from "./key-value-ports.ts";
import { answered, beside, call, type Life, never, whileAlive } from "./life.ts";
import { pushedDeliveries } from "./push.ts";
import { eventInWords } from "./words.ts";

/** The ports as one process sees them: late, unsure, and gone when it dies. */
export interface ProcessPorts extends Omit<World, "close"> {
  /** Ways to people. */
  readonly alerts: Alerts;
  /** The same for what a process does beside: it is a place of its own for faults. */
  aside(what: string): ProcessPorts;
}

export function portsOf(life: Life): ProcessPorts {
  const { place } = life;
  const state = objectsOf(life, place.openFlinkState(), "flink-state");
  const configs = objectsOf(life, place.configs.open(), "configs");
  const clock = clockOf(life, place.time);
  return {
    bus: busOf(life, place.bus.open()),
    store: storeOf(life, place.openStore(life.name)),
    lake: objectsOf(life, place.openLake(), "lake"),
    configs,
    keyValueStore: keyValuesOf(life, place.openKeyValues(life.name)),
    runner: openRunner(life, { clock, configs }),
    flinkState: (uri) => ({ uri: uri ?? "memory:", store: state }),
    clock,
    alerts: alertsOf(life),
    aside: (what) => portsOf(beside(life, what)),
  };
}

function openRunner(life: Life, ports: Pick<ProcessPorts, "clock" | "configs">): JobRunner {
  const { dataproc, jobs, workload } = life.place;
  if (dataproc === null || workload.dataproc === null) return runnerOf(life, jobs.open());
  const { deployment } = workload.settings;
  const { perMinute, dataproc: how } = workload;
  return dataprocRunnerOf(life, { ...ports, dataproc, workload: how, deployment, perMinute });
}

/** What Pub/Sub gives a subscriber that extends nothing. */
const shortLeases = { unackedMax: 80, leaseMs: 10_000 } as const;

function busOf(life: Life, inner: Bus): Bus {
  const { faults, place, name } = life;
  const ackedBy = (delivery: Delivery): Delivery => ({
    ...delivery,
    ack() {
      const where = `${name}: the ack of ${eventInWords(delivery.event)}`;
      if (life.alive && !faults.strikes("ack-lost", where)) delivery.ack();
    },
    nack() {
      if (life.alive) delivery.nack();
    },
  });
  return {
    ...inner,
    publish: (events) =>
      call(life, {
        what: `publishing ${events.map(eventInWords).join(", ")}`,
        port: "bus",
        effect: async () => place.carry(events, faults),
        refused: "publish-refused",
        lost: "publish-answer-lost",
      }),
    deliveries: (asked) => {
      if (place.push !== null) return pushedDeliveries(life, place.push, asked);
      return new Observable((out) => {
        const options = place.workload.leases === "short" ? shortLeases : asked;
        const deliveries = whileAlive(life, inner.deliveries(options)).subscribe({
          next: (delivery) => out.next(ackedBy(delivery)),
          complete: () => out.complete(),
        });
        return () => {
          if (life.alive) return deliveries.unsubscribe();
          // What a dead process holds comes free when its leases end.
          const freeAt = place.time.now() + faults.drawn(`leases of ${name}`, 0, options.leaseMs);
          place.time.at(freeAt, () => deliveries.unsubscribe());
        };
      });
    },
    deadLetter: (delivery, reason) =>
      call(life, {
        what: `putting aside (${reason})`,
        port: "bus",
        effect: () => inner.deadLetter(delivery, reason),
      }),
    deadLetters: (limit) =>
      call(life, {
        what: "reading dead letters",
        port: "bus",
        effect: () => inner.deadLetters(limit),
        refused: "read-refused",
      }),
  };
}

function storeOf(life: Life, inner: TaskStore): TaskStore {
  const { faults, name } = life;
  const reading = <T>(what: string, effect: () => Promise<T>) =>
    call(life, { what, port: "store", effect, refused: "read-refused" });
  return {
    ...inner,
    // What is read beside decisions is a place of its own.
    read: (ids) => {
      const isLedger = ids.some((id) => id.startsWith("metadata"));
      const what = isLedger ? "reading the ledger of metadata" : "reading documents";
      return reading(what, () => inner.read(ids));
    },
    async commit(changes) {
      const what = `committing ${changes.writes.map(({ id }) => id).join(", ") || "checks"}`;
      const where = `${name}: ${what}`;
      if (faults.strikes("commit-refused", where)) {
        await answered(life, where);
        return { kind: "conflict" };
      }
      const answer = await call(life, {
        what,
        port: "store",
        effect: () => inner.commit(changes),
        slow: "commit-slow",
      });
      if (!faults.strikes("commit-answer-lost", where)) return answer;
      return { kind: "unknown", cause: "the answer was lost" };
    },
    dueTasks: (now, limit) => reading("looking for due tasks", () => inner.dueTasks(now, limit)),
    queuedTasks: (pool, limit) =>
      reading("looking for queued tasks", () => inner.queuedTasks(pool, limit)),
    listTasks: (filter) => reading("listing tasks", () => inner.listTasks(filter)),
    endedTasks: (cursor, limit) =>
      reading("listing ended tasks", () => inner.endedTasks(cursor, limit)),
  };
}

function objectsOf(life: Life, inner: ObjectStore, port: string): ObjectStore {
  const reading = <T>(what: string, effect: () => Promise<T>) =>
    call(life, { what, port, effect, refused: "read-refused" });
  return {
    ...inner,
    read: (name) => reading(`reading ${placeIn(name)}`, () => inner.read(name)),
    info: (name) => reading(`reading ${placeIn(name)}`, () => inner.info(name)),
    list: (prefix, options) => reading(`listing ${prefix}`, () => inner.list(prefix, options)),
    write: (name, bytes, options) =>
      call(life, {
        what: `writing ${placeIn(name)}`,
        port,
        effect: () => inner.write(name, bytes, options),
        ...(port === "lake" ? { refused: "write-refused", lost: "write-answer-lost" } : {}),
      }),
    notifications: (prefixes) => hints(life, inner.notifications(prefixes)),
  };
}

/** Data files of finished attempts have random names, which are no place. */
function placeIn(name: string): string {
  return name.replace(/^(landfall\/.+\/)[^/]+\.parquet$/, "$1");
}

function alertsOf(life: Life): Alerts {
  const { place } = life;
  return {
    routesOf: (team) => place.workload.watching?.routes[team] ?? ["pager"],
    send: (route, notice) =>
      call(life, {
        what: `telling ${route} of ${notice.alias}: ${notice.change}`,
        port: route,
        async effect() {
          place.told(route, notice);
          return "taken";
        },
        refused: "telling-refused",
        lost: "telling-answer-lost",
      }),
  };
}

function hints(life: Life, source: Observable<ObjectNotification>): Observable<ObjectNotification> {
  const { faults, place } = life;
  return new Observable((out) => {
    const tell = (object: ObjectNotification) => {
      if (life.alive && !out.closed) out.next(object);
    };
    const inner = whileAlive(life, source).subscribe((object) => {
      const [, table] = /^(.+)\/_delta_log\//.exec(object.name) ?? [];
      if (table !== undefined && place.isUntold(table.replace("/", "."))) return;
      const where = `the notification of ${placeIn(object.name)}`;
      if (faults.strikes("notification-lost", where)) return;
      if (faults.strikes("notification-doubled", where)) tell(object);
      if (!faults.strikes("notification-late", where)) return tell(object);
      const late = faults.drawn(where, 1_000, 7_200_000);
      place.time.at(place.time.now() + late, () => tell(object));
    });
    return () => inner.unsubscribe();
  });
}

function runnerOf(life: Life, inner: JobRunner): JobRunner {
  const { place } = life;
  return {
    ...inner,
    submit: (job) =>
      call(life, {
        what: `submitting ${job.task} run ${job.run} attempt ${job.attempt}`,
        port: "runner",
        effect: () => inner.submit(job),
        refused: "submit-refused",
        lost: "submit-answer-lost",
      }),
    cancel: (jobId) =>
      call(life, {
        what: `cancelling job ${jobId}`,
        port: "runner",
        effect: () => inner.cancel(jobId),
        lost: "cancel-answer-lost",
      }),
    statuses: () =>
      new Observable((out) => {
        const { listsMs } = place.workload;
        const statuses = listsMs === null ? inner.statuses() : listed(place.time, inner, listsMs);
        const told = whileAlive(life, statuses).subscribe((status: JobStatus) =>
          out.next(place.asTold(status)),
        );
        return () => told.unsubscribe();
      }),
    forget: (jobIds) =>
      call(life, {
        what: "forgetting a job",
        port: "runner",
        effect: () => inner.forget(jobIds),
        lost: "forget-lost",
      }),
    streams: inner.streams === null ? null : streamsOf(life, inner.streams),
  };
}

/** A list may be behind what was submitted a moment ago. */
const behindMs = 60_000;

function streamsOf(life: Life, inner: StreamJobs): StreamJobs {
  const { place, faults, name } = life;
  const isShown = async ({ jobId, config }: RunningStream) => {
    const startedAt = (await inner.find(jobId))?.startedAt ?? 0;
    const isYoung = place.time.now() - startedAt < behindMs;
    return !isYoung || !faults.strikes("list-behind", `${name}: the list for the job of ${config}`);
  };
  return {
    running: () =>
      call(life, {
        what: "listing streams",
        port: "runner",
        effect: async () => {
          const shown: RunningStream[] = [];
          for (const stream of await inner.running()) {
            if (await isShown(stream)) shown.push(stream);
          }
          return shown;
        },
        refused: "read-refused",
      }),
    find: (jobId) =>
      call(life, {
        what: "finding the job of a stream",
        port: "runner",
        effect: async () => {
          const found = await inner.find(jobId);
          return found === null ? null : place.asTold(found);
        },
        refused: "read-refused",
      }),
  };
}

/** Ends of jobs as lists show them: all that came since the last list at once. */
function listed(time: SimulatedTime, inner: JobRunner, everyMs: number): Observable<JobStatus> {
  return new Observable((out) => {
    const ended = new Map<string, JobStatus>();
    const list = () => {
      const seen = [...ended.values()];
      ended.clear();
      for (const status of seen) out.next(status);
    };
    const heard = inner.statuses().subscribe((status) => {
      if (status.state === "pending" || status.state === "running") return;
      if (ended.size === 0) time.at(everyMs * (Math.floor(time.now() / everyMs) + 1), list);
      ended.set(status.jobId, status);
    });
    return () => heard.unsubscribe();
  });
}

function clockOf(life: Life, time: SimulatedTime): Clock {
  const { skewMs, faults, name } = life;
  const whenOver = async (sleeping: Promise<void>) => {
    await sleeping;
    while (life.alive && life.stalledUntil > time.now()) {
      await time.sleep(life.stalledUntil - time.now());
    }
    if (!life.alive) await never();
  };
  return {
    now: () => time.now() + skewMs,
    every: (periodMs) =>
      life.alive
        ? new Observable((out) =>
            whileAlive(life, time.every(periodMs)).subscribe(() => out.next(time.now() + skewMs)),
          )
        : NEVER,
    sleep: (delayMs) => whenOver(time.sleep(delayMs)),
    pause: (upToMs) => whenOver(time.sleep(faults.drawn(`${name} pauses`, 0, Math.ceil(upToMs)))),
  };
}
