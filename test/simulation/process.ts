import { NEVER, Observable, type Subscription } from "rxjs";
import type { SimulatedTime } from "../../adapters/simulated/clock.ts";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import { RetryableError } from "../../ports/errors.ts";
import type { JobRunner, JobStatus } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { ObjectNotification, ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { Place } from "./place.ts";

/** The ports as one process sees them: late, unsure, and gone when it dies. */
export interface ProcessPorts {
  readonly bus: Bus;
  readonly store: TaskStore;
  readonly lake: ObjectStore;
  readonly configs: ObjectStore;
  readonly keyValueStore: KeyValueStore;
  readonly runner: JobRunner;
  readonly clock: Clock;
}

export interface ProcessOptions {
  readonly name: string;
  readonly place: Place;
  readonly faults: Faults;
  /** How far its clock is off, in milliseconds. */
  readonly skewMs: number;
  /** The service it runs, until it dies. */
  readonly run: (ports: ProcessPorts) => Observable<unknown>;
  readonly told: (does: "starts" | "dies") => void;
  /** It died of itself. */
  readonly failed: (cause: unknown) => void;
}

/** One life of a process. */
interface Life {
  readonly options: ProcessOptions;
  alive: boolean;
  stalledUntil: number;
  service: Subscription | null;
}

const never = new Promise<never>(() => {});

/** A process that is started again whenever it dies. */
export function startProcess(options: ProcessOptions): void {
  const life: Life = { options, alive: true, stalledUntil: 0, service: null };
  options.told("starts");
  life.service = options.run(portsOf(life)).subscribe({
    error(cause: unknown) {
      options.failed(cause);
      die(life);
    },
  });
}

function die(life: Life): void {
  if (!life.alive) return;
  const { place, faults, told } = life.options;
  life.alive = false;
  told("dies");
  life.service?.unsubscribe();
  const restartsAt = place.time.now() + faults.random.between(1_000, 600_000);
  place.time.at(restartsAt, () => startProcess(life.options));
}

interface Call<T> {
  /** What is called, in words. */
  readonly what: string;
  readonly port: string;
  readonly effect: () => Promise<T>;
  /** Fails without having been done, and with its answer lost. */
  readonly refused?: FaultKind;
  readonly lost?: FaultKind;
  readonly slow?: FaultKind;
}

/** One call over the network: any step of it may be the last. */
async function call<T>(life: Life, { what, port, effect, ...kinds }: Call<T>): Promise<T> {
  const { place, faults, name } = life.options;
  const { time } = place;
  if (!life.alive) return never;
  const words = (how: string) => () => `${name}: ${what} ${how}`;
  await time.sleep(faults.random.between(0, 15));
  if (kinds.slow !== undefined && faults.strikes(kinds.slow, words("takes its time"))) {
    await time.sleep(faults.random.between(1_000, 60_000));
  }
  if (!life.alive) return never;
  if (faults.strikes("crash-before", words("never happens, the process dies"))) {
    die(life);
    return never;
  }
  if (place.isOut(port)) throw new RetryableError(`${port} is out`);
  if (kinds.refused !== undefined && faults.strikes(kinds.refused, words("is refused"))) {
    throw new RetryableError(`${what} was refused`);
  }
  const answer = await effect();
  if (faults.strikes("crash-after", words("is done, and the process dies before it hears so"))) {
    die(life);
  }
  if (
    kinds.lost !== undefined &&
    faults.strikes(kinds.lost, words("is done, its answer is lost"))
  ) {
    await answered(life);
    throw new RetryableError(`no answer to ${what}`);
  }
  if (faults.strikes("stall", words("is done, and the process stands still"))) {
    life.stalledUntil = time.now() + faults.random.between(10_000, 1_800_000);
  }
  await answered(life);
  return answer;
}

async function answered(life: Life): Promise<void> {
  const { place, faults } = life.options;
  await place.time.sleep(faults.random.between(0, 15));
  while (life.alive && life.stalledUntil > place.time.now()) {
    await place.time.sleep(life.stalledUntil - place.time.now());
  }
  if (!life.alive) await never;
}

function portsOf(life: Life): ProcessPorts {
  const { place } = life.options;
  return {
    bus: busOf(life, place.bus.open()),
    store: storeOf(life, place.openStore(life.options.name)),
    lake: objectsOf(life, place.openLake(), "lake"),
    configs: objectsOf(life, place.configs.open(), "configs"),
    keyValueStore: keyValuesOf(life, place.keyValues.open()),
    runner: runnerOf(life, place.jobs.open()),
    clock: clockOf(life, place.time),
  };
}

/** Values reach a process that lives, after whatever stall it is in. */
function whileAlive<T>(life: Life, source: Observable<T>): Observable<T> {
  const { time } = life.options.place;
  return new Observable((out) => {
    const inner = source.subscribe({
      next(value) {
        if (!life.alive) return;
        if (life.stalledUntil <= time.now()) return out.next(value);
        time.at(life.stalledUntil, () => {
          if (life.alive) out.next(value);
        });
      },
      error: (cause: unknown) => out.error(cause),
      complete: () => out.complete(),
    });
    return () => inner.unsubscribe();
  });
}

function busOf(life: Life, inner: Bus): Bus {
  const { faults, place, name } = life.options;
  const ackedBy = (delivery: Delivery): Delivery => ({
    ...delivery,
    ack() {
      const words = () => `${name}: the ack of a ${delivery.event.kind} is lost`;
      if (life.alive && !faults.strikes("ack-lost", words)) delivery.ack();
    },
    nack() {
      if (life.alive) delivery.nack();
    },
  });
  return {
    ...inner,
    publish: (events) =>
      call(life, {
        what: `publishing ${[...new Set(events.map(({ kind }) => kind))].join(", ")}`,
        port: "bus",
        effect: async () => place.carry(events, faults),
        refused: "publish-refused",
        lost: "publish-answer-lost",
      }),
    deliveries: (options) =>
      new Observable((out) => {
        const deliveries = whileAlive(life, inner.deliveries(options)).subscribe({
          next: (delivery) => out.next(ackedBy(delivery)),
          complete: () => out.complete(),
        });
        return () => {
          if (life.alive) return deliveries.unsubscribe();
          // What a dead process holds comes free when its leases end.
          const freeAt = place.time.now() + faults.random.between(0, options.leaseMs);
          place.time.at(freeAt, () => deliveries.unsubscribe());
        };
      }),
    deadLetter: (delivery, reason) =>
      call(life, {
        what: `putting aside (${reason})`,
        port: "bus",
        effect: () => inner.deadLetter(delivery, reason),
      }),
  };
}

function storeOf(life: Life, inner: TaskStore): TaskStore {
  const { faults, name } = life.options;
  const reading = <T>(what: string, effect: () => Promise<T>) =>
    call(life, { what, port: "store", effect, refused: "read-refused" });
  return {
    ...inner,
    read: (ids) => reading("reading documents", () => inner.read(ids)),
    async commit(changes) {
      const what = `committing ${changes.writes.map(({ id }) => id).join(", ") || "checks"}`;
      if (faults.strikes("commit-refused", () => `${name}: ${what} conflicts`)) {
        await answered(life);
        return { kind: "conflict" };
      }
      const answer = await call(life, {
        what,
        port: "store",
        effect: () => inner.commit(changes),
        slow: "commit-slow",
      });
      const lost = () => `${name}: ${what} is ${answer.kind}, its answer is lost`;
      if (!faults.strikes("commit-answer-lost", lost)) return answer;
      return { kind: "unknown", cause: "the answer was lost" };
    },
    dueTasks: (now, limit) => reading("looking for due tasks", () => inner.dueTasks(now, limit)),
    queuedTasks: (pool, limit) =>
      reading("looking for queued tasks", () => inner.queuedTasks(pool, limit)),
    listTasks: (filter) => reading("listing tasks", () => inner.listTasks(filter)),
  };
}

function objectsOf(life: Life, inner: ObjectStore, port: string): ObjectStore {
  const reading = <T>(what: string, effect: () => Promise<T>) =>
    call(life, { what, port, effect, refused: "read-refused" });
  return {
    ...inner,
    read: (name) => reading(`reading ${name}`, () => inner.read(name)),
    list: (prefix, options) => reading(`listing ${prefix}`, () => inner.list(prefix, options)),
    write: (name, bytes, options) =>
      call(life, {
        what: `writing ${name}`,
        port,
        effect: () => inner.write(name, bytes, options),
      }),
    notifications: (prefixes) => hints(life, inner.notifications(prefixes)),
  };
}

function hints(life: Life, source: Observable<ObjectNotification>): Observable<ObjectNotification> {
  const { faults, place } = life.options;
  return new Observable((out) => {
    const tell = (object: ObjectNotification) => {
      if (life.alive && !out.closed) out.next(object);
    };
    const inner = whileAlive(life, source).subscribe((object) => {
      const words = (how: string) => () => `the notification of ${object.name} ${how}`;
      if (faults.strikes("notification-lost", words("is lost"))) return;
      if (faults.strikes("notification-doubled", words("comes twice"))) tell(object);
      if (!faults.strikes("notification-late", words("is late"))) return tell(object);
      place.time.at(place.time.now() + faults.random.between(1_000, 7_200_000), () => tell(object));
    });
    return () => inner.unsubscribe();
  });
}

function keyValuesOf(life: Life, inner: KeyValueStore): KeyValueStore {
  return {
    ...inner,
    read: (table, keys) =>
      call(life, {
        what: "reading the online store",
        port: "key-values",
        effect: () => inner.read(table, keys),
        refused: "read-refused",
      }),
  };
}

function runnerOf(life: Life, inner: JobRunner): JobRunner {
  const { place } = life.options;
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
        const told = whileAlive(life, inner.statuses()).subscribe((status: JobStatus) =>
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
  };
}

function clockOf(life: Life, time: SimulatedTime): Clock {
  const { skewMs } = life.options;
  const whenOver = async (sleeping: Promise<void>) => {
    await sleeping;
    while (life.alive && life.stalledUntil > time.now()) {
      await time.sleep(life.stalledUntil - time.now());
    }
    if (!life.alive) await never;
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
    pause: (upToMs) => whenOver(time.pause(upToMs)),
  };
}
