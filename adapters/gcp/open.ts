import { credentials } from "@grpc/grpc-js";
import type { Clock } from "../../ports/clock.ts";
import { PermanentError } from "../../ports/errors.ts";
import type { Log } from "../../ports/log.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { FlinkState, World } from "../../ports/world.ts";
import type { Deployment } from "../../schemas/deployment.ts";
import { dataprocOf } from "../../schemas/google-cloud.ts";
import { systemClock } from "../embedded/clock.ts";
import { pubsubBus } from "./bus.ts";
import { type ConnectionOptions, dataprocCalls } from "./dataproc-calls.ts";
import { dataprocJobRunner } from "./job-runner.ts";
import { bigtableKeyValueStore } from "./key-value-store.ts";
import { cloudStorageObjectStore } from "./object-store.ts";
import { type Folder, folderOf, type Place, placeOf, type ServiceName } from "./place.ts";
import { prefixedObjectStore } from "./prefixed-store.ts";
import { type PushedLake, pushedLake } from "./push-lake.ts";
import type { SigningKeys } from "./push-token.ts";
import { firestoreTaskStore } from "./task-store.ts";

export interface GoogleCloudOptions {
  readonly settings: Pick<Deployment, "deployment" | "gcp">;
  /** Whose subscription to the lake's notifications is listened to; nobody's without one. */
  readonly service?: ServiceName;
  readonly log: Log;
  readonly clock?: Clock;
  /** Keys that tokens of pushes are signed with, where a test signs its own. */
  readonly keys?: () => Promise<SigningKeys>;
}

/** The ports, and where pushes go when the service is pushed to. */
export interface GoogleCloudWorld extends World {
  readonly push?: PushedLake["push"];
}

/** Opens the ports of a world on Google Cloud. Nothing is connected before it is first used. */
export function openGoogleCloud(options: GoogleCloudOptions): GoogleCloudWorld {
  const { settings, service, log, keys, clock = systemClock() } = options;
  const place = placeOf(settings);
  const pushed = pushedLake({ place, service, log, ...(keys === undefined ? {} : { keys }) });
  const open = opener(place, log);
  const { project } = place.cloud;
  const bus = pubsubBus({ project, topics: place.topics });
  const store = firestoreTaskStore(place.firestore);
  const lake = open(place.lake, { service, pushed });
  const configs = open(place.configs);
  const keyValueStore = bigtableKeyValueStore(place.bigtable);
  const drivers = openBuckets(open);
  const states = openBuckets(open);
  const dataproc = dataprocOf(place.cloud);
  const runner = dataprocJobRunner({
    settings: dataproc,
    deployment: place.deployment,
    clock,
    configs,
    memory: prefixedObjectStore(configs, "jobs"),
    buckets: drivers.open,
    log,
    calls: (region) =>
      dataprocCalls({
        project: dataproc.project,
        region,
        timeoutMs: dataproc.callTimeoutMs,
        ...connectionOf(place),
      }),
  });
  return {
    bus,
    store,
    lake,
    configs,
    keyValueStore,
    runner,
    flinkState: (uri) => flinkStateAt(uri || dataproc.flinkState, states.open),
    clock,
    ...(pushed === null ? {} : { push: pushed.push }),
    async close() {
      const pushing = pushed === null ? [] : [pushed];
      const buckets = [lake, configs, drivers, states];
      const ports = [runner, bus, keyValueStore, store, ...buckets, ...pushing];
      await Promise.all(ports.map((port) => port.close()));
    },
  };
}

/** The lake alone, for whoever only writes there. */
export function openLake(settings: Pick<Deployment, "deployment" | "gcp">, log: Log): ObjectStore {
  const place = placeOf(settings);
  return opener(place, log)(place.lake);
}

/** Who listens to the folder, and whether that is pushed; nobody listens without. */
interface Listening {
  readonly service: ServiceName | undefined;
  readonly pushed: PushedLake | null;
}

type Opener = (folder: Folder, listening?: Listening) => ObjectStore;

/** Opens folders of Cloud Storage as stores. */
function opener({ cloud, lakeChannel }: Place, log: Log): Opener {
  const { project, emulators } = cloud;
  return ({ bucket, prefix }, { service, pushed } = { service: undefined, pushed: null }) => {
    const store = cloudStorageObjectStore({
      project,
      bucket,
      warn: (message) => log.warn({}, message),
      ...(emulators.storage === undefined ? {} : { apiEndpoint: emulators.storage }),
      ...(service === undefined ? {} : { subscription: lakeChannel(service).subscription }),
      ...(pushed === null ? {} : { notifications: pushed.notifications }),
    });
    return prefixedObjectStore(store, prefix);
  };
}

/** Throws `PermanentError` for what is no place in Cloud Storage. */
function flinkStateAt(said: string | undefined, open: OpenBuckets["open"]): FlinkState | null {
  if (said === undefined) return null;
  const uri = said.replace(/\/+$/, "");
  const folder = folderOf(uri);
  if (!/^gs:\/\/[^/]+(\/[^/]+)*$/.test(uri)) {
    throw new PermanentError(
      `FLINK_STATE_URI ${said} is no place in Cloud Storage: write gs://bucket/prefix`,
    );
  }
  return { uri, store: prefixedObjectStore(open(folder.bucket), folder.prefix) };
}

interface OpenBuckets {
  readonly open: (bucket: string) => ObjectStore;
  close(): Promise<void>;
}

/** Buckets that nobody lists beforehand, of which there are a few: of drivers' output, of Flink's state. */
function openBuckets(open: Opener): OpenBuckets {
  const buckets = new Map<string, ObjectStore>();
  return {
    open(bucket) {
      const store = buckets.get(bucket) ?? open({ bucket, prefix: "" });
      buckets.set(bucket, store);
      return store;
    },
    async close() {
      await Promise.all([...buckets.values()].map((store) => store.close()));
    },
  };
}

/** A Dataproc that is not Google's, reached without TLS and without credentials. */
function connectionOf({ cloud }: Place): { connection?: ConnectionOptions } {
  const { emulators, project } = cloud;
  if (emulators.dataproc === undefined) return {};
  const [apiEndpoint = "", port] = emulators.dataproc.split(":");
  return {
    connection: {
      apiEndpoint,
      port: Number(port),
      universeDomain: "googleapis.com",
      sslCreds: credentials.createInsecure(),
      projectId: project,
    },
  };
}
