import { join } from "node:path";
import { lastValueFrom, Subject } from "rxjs";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { systemClock } from "../../adapters/embedded/clock.ts";
import { sqliteTaskStore } from "../../adapters/embedded/task-store.ts";
import type { Bus } from "../../ports/bus.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { CursorDocument } from "../../schemas/documents.ts";
import type { PartitionLanded, TableRecreated } from "../../schemas/events.ts";
import type { PlanTable } from "../../schemas/plan.ts";
import { Settings } from "../../schemas/settings.ts";
import { type WatcherPorts, watcher } from "../../services/watcher/pipeline.ts";
import { temporaryLake, writeCommit } from "./lake.ts";

/** The watcher on the embedded world, and what it told. */
export class Watched {
  readonly folder = temporaryLake();
  readonly lake = this.folder.lake;
  readonly events: PartitionLanded[] = [];
  readonly recreated: TableRecreated[] = [];
  readonly lines: string[] = [];
  private readonly state = temporaryLake();
  readonly bus: Bus = sqliteBus({ file: join(this.state.root, "bus.db") });
  readonly store: TaskStore = sqliteTaskStore({ file: join(this.state.root, "state.db") });
  private readonly configs = this.state.lake;
  private readonly stop = new Subject<void>();
  private running: Promise<unknown> = Promise.resolve();
  private changed = new Subject<void>();
  private readonly deliveries = this.bus
    .deliveries({ unackedMax: 1_000, leaseMs: 60_000 })
    .subscribe((delivery) => {
      const { event } = delivery;
      if (event.kind === "partition-landed") this.events.push(event);
      if (event.kind === "table-recreated") this.recreated.push(event);
      delivery.ack();
      this.changed.next();
    });

  async plan(...tables: PlanTable[]): Promise<void> {
    const hash = `plan-${Math.random()}`;
    await this.configs.write(`plans/${hash}.json`, Buffer.from(JSON.stringify({ tables })));
    const before = (await this.store.read(["plans/current"])).get("plans/current");
    await this.store.commit({
      writes: [
        {
          id: "plans/current",
          body: { schema: 1, hash, release: "r", at: 0 },
          version: before?.version ?? null,
        },
      ],
      checks: [],
    });
  }

  start(more: Partial<WatcherPorts> = {}): void {
    const tell = (_: object, line: string) => {
      this.lines.push(line);
      this.changed.next();
    };
    this.running = lastValueFrom(
      watcher(
        {
          bus: this.bus,
          store: this.store,
          lake: this.lake,
          configs: this.configs,
          clock: systemClock(),
          settings: Settings.parse({}),
          log: { info: tell, warn: tell, error: tell },
          pace: { beatMs: 10, saveMs: 10 },
          ...more,
        },
        this.stop,
      ),
      { defaultValue: undefined },
    );
    this.running.catch((cause: unknown) => this.lines.push(`died: ${String(cause)}`));
  }

  async end(): Promise<void> {
    this.stop.next();
    await this.running;
  }

  /** Resolves when a claim about what was told is true. */
  until(claim: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!claim()) return;
        clearInterval(timer);
        heard.unsubscribe();
        resolve();
      };
      const timer = setInterval(look, 20);
      const heard = this.changed.subscribe(look);
      look();
    });
  }

  async cursor(table: string): Promise<CursorDocument | null> {
    const id = `cursors/${table}` as const;
    return ((await this.store.read([id])).get(id)?.body ?? null) as CursorDocument | null;
  }

  async untilCursor(table: string, claim: (cursor: CursorDocument) => boolean): Promise<void> {
    for (;;) {
      const cursor = await this.cursor(table);
      if (cursor !== null && claim(cursor)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** `partition@epoch.n`, once each, in order. */
  told(table: string): string[] {
    const all = this.events
      .filter((event) => event.table === table)
      .map(
        ({ partition, landing: { state, version } }) =>
          `${partition}@${version.epoch}.${version.n}${state === "gone" ? " gone" : ""}`,
      );
    return [...new Set(all)].sort();
  }

  commit(version: number, ...body: object[]): Promise<void> {
    return writeCommit(this.lake, "db/t", {
      version,
      body: [{ commitInfo: { timestamp: version } }, ...body],
    });
  }

  async close(): Promise<void> {
    await this.end();
    this.deliveries.unsubscribe();
    await this.bus.close();
    await this.store.close();
    this.folder.remove();
    this.state.remove();
  }
}

/** The dispatcher's documents, as they would be after the events told so far. */
export async function knownByDispatcher(watched: Watched): Promise<void> {
  const partitions = Object.fromEntries(
    watched.events.map(({ partition, landing }) => [partition, landing]),
  );
  const months = [...new Set(Object.keys(partitions).map((partition) => partition.slice(0, 7)))];
  await watched.store.commit({
    writes: [
      {
        id: "tables/db.t",
        body: { schema: 1, table: "db.t", first: Object.keys(partitions).sort()[0] ?? "" },
        version: null,
      },
      ...months.map((month) => ({
        id: `landings/db.t@${month}` as const,
        body: {
          schema: 1 as const,
          table: "db.t",
          month,
          partitions: Object.fromEntries(
            Object.entries(partitions).filter(([partition]) => partition.startsWith(month)),
          ),
          writers: {},
        },
        version: null,
      })),
    ],
    checks: [],
  });
}

/** A lake whose notifications are lost but for those of some names. */
export function withoutNotifications(
  lake: ObjectStore,
  kept: (name: string) => boolean,
): ObjectStore {
  return {
    ...lake,
    notifications: () => {
      const some = new Subject<{
        name: string;
        size: number;
        generation: number;
        updatedAt: number;
      }>();
      lake.notifications().subscribe((object) => {
        if (kept(object.name)) some.next(object);
      });
      return some;
    },
  };
}
