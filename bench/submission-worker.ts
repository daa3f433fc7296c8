import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { tap } from "rxjs";
import { openWorld } from "../adapters/open.ts";
import { readSettings } from "../adapters/read-settings.ts";
import type { Bus } from "../ports/bus.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { CommitAnswer, TaskStore } from "../ports/task-store.ts";
import type { World } from "../ports/world.ts";
import { dispatcher } from "../services/dispatcher/pipeline.ts";
import { runService } from "../services/run-service.ts";
import { tracker } from "../services/tracker/pipeline.ts";
import { watcher } from "../services/watcher/pipeline.ts";
import { wallMs } from "./print.ts";
import { keyOfObject, keyOfTask, type LandingKey } from "./submission-world.ts";

/**
 * One service of `submission.ts` in its own process: `submission-worker.ts SERVICE FILE`. Its ports
 * note what passes them; FILE gets that as JSON when it ends.
 */
const [service = "", file = ""] = process.argv.slice(2);

/** What was noted of one landing: where it was, and when. */
export interface Noted {
  readonly hop: string;
  readonly key: LandingKey;
  readonly at: number;
}

/** One commit of a store, conflicts too. */
export interface NotedCommit {
  readonly begun: number;
  readonly tookMs: number;
  readonly written: number;
  readonly checked: number;
  readonly answer: string;
}

const noted: Noted[] = [];
const commits: NotedCommit[] = [];
const note = (hop: string, key: LandingKey | null, at = wallMs()) => {
  if (key !== null) noted.push({ hop, key, at });
};

/** Which landing of a table is in hand; the next one comes seconds later. */
const inHand = new Map<string, LandingKey>();

function timed(world: World): World {
  const { lake, bus, store, runner } = world;
  return {
    ...world,
    lake: timedLake(lake),
    bus: timedBus(bus),
    store: timedStore(store),
    runner: {
      ...runner,
      submit(job) {
        note("submitting", keyOfTask(job.task));
        return runner.submit(job);
      },
    },
  };
}

function timedLake(lake: ObjectStore): ObjectStore {
  return {
    ...lake,
    notifications: (prefixes) =>
      lake.notifications(prefixes).pipe(tap(({ name }) => note("heard", keyOfObject(name)))),
    async read(name) {
      const found = await lake.read(name);
      if (found !== null) note("read", keyOfObject(name));
      return found;
    },
  };
}

function timedBus(bus: Bus): Bus {
  return {
    ...bus,
    async publish(events) {
      const begun = wallMs();
      await bus.publish(events);
      for (const event of events) {
        if (event.kind !== "partition-landed") continue;
        note("publishing", `${event.table}@${event.partition}`, begun);
        note("published", `${event.table}@${event.partition}`);
      }
    },
    deliveries: (options) =>
      bus.deliveries(options).pipe(
        tap(({ event }) => {
          if (event.kind !== "partition-landed") return;
          const key = `${event.table}@${event.partition}`;
          inHand.set(event.table, key);
          note("delivered", key);
        }),
      ),
  };
}

function timedStore(store: TaskStore): TaskStore {
  return {
    ...store,
    async commit(commit) {
      const begun = wallMs();
      const answer = await store.commit(commit);
      const ended = wallMs();
      const { writes, checks } = commit;
      const sizes = { written: writes.length, checked: checks.length };
      commits.push({ begun, tookMs: ended - begun, ...sizes, answer: answer.kind });
      for (const { id } of writes) noteWritten(id, { begun, ended, answer: answer.kind });
      return answer;
    },
  };
}

function noteWritten(
  id: string,
  { begun, ended, answer }: { begun: number; ended: number; answer: CommitAnswer["kind"] },
): void {
  const [collection = "", name = ""] = id.split(/\/(.*)/s);
  if (collection === "tasks") note("claiming", keyOfTask(name), begun);
  if (answer !== "committed") return;
  if (collection === "tasks") note("claimed", keyOfTask(name), ended);
  if (collection === "landings") {
    note("stored", inHand.get(name.replace(/[@/].*$/, "")) ?? null, ended);
  }
}

const needs = {
  watcher: "lake.notifications",
  dispatcher: "bus.deliveries",
  tracker: "runner.statuses",
} as const;
const name = service as keyof typeof needs;
const code = await runService({
  name,
  settings: readSettings(process.env).settings,
  async open(settings, log) {
    const opened = await openWorld(settings, { log, service: name });
    return name === "tracker" ? opened : { ...opened, world: timed(opened.world) };
  },
  needs: needs[name],
  pipeline(ports, stop) {
    const { reconcileMs, beatMs } = ports.settings;
    if (name === "watcher") return watcher({ ...ports, pace: { reconcileMs, beatMs } }, stop);
    if (name === "tracker") {
      return tracker({ ...ports, written: ports.lake.notifications() }, stop);
    }
    return dispatcher({ ...ports, by: `${name} ${randomUUID()}` }, stop);
  },
});
writeFileSync(file, JSON.stringify({ noted, commits }));
process.exit(code);
