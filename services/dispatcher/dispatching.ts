import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { JobRunner } from "../../ports/job-runner.ts";
import type { KeyValueStore } from "../../ports/key-value-store.ts";
import type { Log } from "../../ports/log.ts";
import { type Metrics, noMetrics } from "../../ports/metrics.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { TaskStore } from "../../ports/task-store.ts";
import type { OpenFlinkState } from "../../ports/world.ts";
import type { Settings } from "../../schemas/settings.ts";
import { documentsOf } from "./documents.ts";
import type { Executing } from "./execute.ts";
import { type GivenUp, givenUp } from "./given-up.ts";
import { type LaneQueues, laneQueues } from "./lane-queues.ts";
import type { Looking } from "./look.ts";
import type { Measuring } from "./measurements.ts";
import { type MetadataKeeper, metadataKeeper } from "./metadata/uploads.ts";
import { type Plans, plansOf } from "./plans.ts";
import { type StreamKeeper, streamKeeper } from "./streams/keeper.ts";

export interface DispatcherPorts {
  readonly bus: Bus;
  readonly store: TaskStore;
  /** Holds releases, confs and plans. */
  readonly configs: ObjectStore;
  readonly runner: JobRunner;
  /** What consistency checks found is read here. */
  readonly lake: ObjectStore;
  readonly clock: Clock;
  readonly settings: Settings;
  readonly log: Log;
  /** The name this dispatcher claims under; no other live one may have it. */
  readonly by: string;
  /** How long it may keep events that it cannot handle yet; a minute when left out. */
  readonly leaseMs?: number;
  /** Where it measures itself; left out: nowhere. */
  readonly metrics?: Metrics;
  /** Where streams leave their state; left out: none is kept running. */
  readonly streamsAt?: OpenFlinkState;
  /** The online store that the configs' metadata is uploaded to; left out: to none. */
  readonly metadataInto?: KeyValueStore;
}

/** What a dispatcher has in memory; all of it can be read again. */
export interface Dispatching {
  readonly ports: DispatcherPorts;
  readonly plans: Plans;
  readonly looking: Looking;
  readonly executing: Executing;
  /** The plan and day for which steps without inputs were last nudged. */
  dueNudged: string;
  readonly givenUp: GivenUp;
  readonly queues: LaneQueues;
  readonly measuring: Measuring;
  /** Null where no streams are kept running. */
  readonly streamKeeper: StreamKeeper | null;
  /** Null where metadata is uploaded to no store. */
  readonly metadataKeeper: MetadataKeeper | null;
}

export function dispatching(ports: DispatcherPorts): Dispatching {
  const plans = plansOf(ports);
  const shared = { ...ports, plans };
  const documents = documentsOf(ports.store);
  return {
    ports,
    plans,
    looking: { ...shared, documents, turns: new Map(), othersStore: false },
    executing: { ...shared, submitted: new Map() },
    dueNudged: "",
    givenUp: givenUp(shared),
    queues: laneQueues({ ...shared, documents }),
    measuring: { metrics: ports.metrics ?? noMetrics, clock: ports.clock, documents },
    streamKeeper: streamKeeperOf(shared),
    metadataKeeper: metadataKeeperOf(shared),
  };
}

function metadataKeeperOf(
  ports: DispatcherPorts & { readonly plans: Plans },
): MetadataKeeper | null {
  const { metadataInto: keyValueStore } = ports;
  return keyValueStore === undefined ? null : metadataKeeper({ ...ports, keyValueStore });
}

function streamKeeperOf(ports: DispatcherPorts & { readonly plans: Plans }): StreamKeeper | null {
  const { streamsAt: flinkState, runner, settings, log } = ports;
  const { streams } = runner;
  if (flinkState === undefined || settings.streams.by === "others") return null;
  if (streams === null) {
    log.info({}, "this runner runs no streams: those of the configs are left to others");
    return null;
  }
  return streamKeeper({ ...ports, streams, flinkState });
}
