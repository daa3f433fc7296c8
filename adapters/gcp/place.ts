import type { Deployment } from "../../schemas/deployment.ts";
import type { GoogleCloud } from "../../schemas/google-cloud.ts";
import type { BigtablePlace } from "./bigtable-client.ts";
import type { FirestoreOptions } from "./firestore-database.ts";
import { type BusTopics, busTopics, type Channel } from "./pubsub-topics.ts";

/** A service that runs by itself. */
export type ServiceName = "watcher" | "dispatcher" | "tracker";

/** The names and places of a deployment on Google Cloud, worked out from its settings once. */
export interface Place {
  readonly cloud: GoogleCloud;
  readonly deployment: string;
  readonly lake: Folder;
  readonly configs: Folder;
  readonly topics: BusTopics;
  /** The lake's notifications; each service that listens has a subscription of its own to them all. */
  readonly lakeChannel: (service: ServiceName) => Channel;
  readonly firestore: FirestoreOptions;
  readonly bigtable: BigtablePlace;
}

/** A bucket and what comes before the names of objects in it; "" when nothing does. */
export interface Folder {
  readonly bucket: string;
  readonly prefix: string;
}

export function placeOf({ deployment, gcp }: Pick<Deployment, "deployment" | "gcp">): Place {
  if (gcp === undefined) throw new Error("the settings have no gcp");
  const { emulators, project: projectId } = gcp;
  const profile = gcp.bigtableAppProfile;
  return {
    cloud: gcp,
    deployment,
    lake: folderOf(gcp.lake),
    configs: folderOf(gcp.configs),
    topics: busTopics(deployment),
    lakeChannel: (service) => ({
      topic: gcp.lakeTopic ?? `${deployment}-lake`,
      subscription: `${deployment}-lake-${service}`,
    }),
    firestore: {
      projectId,
      databaseId: gcp.firestoreDatabase,
      ...(emulators.firestore === undefined ? {} : { emulator: emulators.firestore }),
    },
    bigtable: {
      projectId,
      instanceId: gcp.bigtableInstance,
      ...(profile === undefined ? {} : { appProfileId: profile }),
      ...(emulators.bigtable === undefined ? {} : { emulator: emulators.bigtable }),
    },
  };
}

/** Takes a `gs://` address apart. */
export function folderOf(address: string): Folder {
  const [bucket = "", ...prefix] = address.slice("gs://".length).split("/");
  return { bucket, prefix: prefix.join("/") };
}
