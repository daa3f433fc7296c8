import { PubSub, type SubscriptionMetadata } from "@google-cloud/pubsub";
import { BATCH_TABLE } from "../../core/serving-info.ts";
import type { Deployment } from "../../schemas/deployment.ts";
import { createBigtableTable } from "./bigtable-table.ts";
import { cloudStorage } from "./cloud-storage.ts";
import { setUpObjectNotifications } from "./object-notifications.ts";
import { type Place, placeOf, type ServiceName } from "./place.ts";
import { setUpBusTopics } from "./pubsub-topics.ts";

/** One thing that a deployment needs, and that is there now. */
export interface SetUpStep {
  readonly what: string;
  readonly name: string;
}

/** Pub/Sub's emulator keeps messages no longer. */
const emulatorDaysMax = 7;

/**
 * Makes what a deployment needs, or corrects it: topics with their subscriptions, the lake's
 * notifications, Bigtable's tables in the deployment's own instance. May be run before every deployment.
 * Buckets, the database with its indexes and Bigtable's instances are the project's and are not made here.
 */
export async function setUpGoogleCloud(
  settings: Pick<Deployment, "deployment" | "gcp" | "metadata">,
  tell: (step: SetUpStep) => void,
): Promise<readonly SetUpStep[]> {
  const place = placeOf(settings);
  const { cloud, topics } = place;
  const pubsub = new PubSub({ projectId: cloud.project });
  const days = cloud.emulators.pubsub === undefined ? 31 : emulatorDaysMax;
  const done: SetUpStep[] = [];
  const finished = (step: SetUpStep) => {
    done.push(step);
    tell(step);
  };
  try {
    await setUpBusTopics(pubsub, topics, { retentionDays: Math.min(cloud.retentionDays, days) });
    for (const channel of [topics.deadLetters, topics.events, topics.commands]) {
      finished({ what: "topic", name: channel.topic });
      finished({ what: "subscription", name: channel.subscription });
    }
    for (const service of ["watcher", "tracker"] as const) {
      await setUpLake(place, pubsub, service);
      finished({ what: "notifications", name: place.lakeChannel(service).subscription });
    }
    await setUpTables(settings, place.bigtable.instanceId, finished);
    return done;
  } finally {
    await pubsub.close();
  }
}

/** Makes the tables of a Bigtable instance; those that are there are left as they are. */
export async function setUpTables(
  settings: Pick<Deployment, "deployment" | "gcp" | "metadata">,
  instanceId: string,
  tell: (step: SetUpStep) => void,
): Promise<void> {
  const { bigtable } = placeOf(settings);
  for (const table of [BATCH_TABLE, settings.metadata.table]) {
    await createBigtableTable({ ...bigtable, instanceId }, table);
    const where = instanceId === bigtable.instanceId ? "" : ` in ${instanceId}`;
    tell({ what: "Bigtable table", name: `${table}${where}` });
  }
}

async function setUpLake(place: Place, pubsub: PubSub, service: ServiceName): Promise<void> {
  const { project, emulators } = place.cloud;
  const apiEndpoint = emulators.storage;
  const storage = cloudStorage({ project, ...(apiEndpoint === undefined ? {} : { apiEndpoint }) });
  const bucket = storage.bucket(place.lake.bucket);
  await setUpObjectNotifications(pubsub, bucket, {
    ...place.lakeChannel(service),
    policies: pushTo(place, service),
  });
}

/** A service with a push setting is pushed to; taken away again, it pulls. */
function pushTo({ cloud }: Place, service: ServiceName): SubscriptionMetadata {
  const push = service === "dispatcher" ? undefined : cloud.push[service];
  if (push === undefined) return {};
  const { url, account } = push;
  return {
    pushConfig: {
      pushEndpoint: new URL("/push", url).href,
      oidcToken: { serviceAccountEmail: account, audience: url },
    },
  };
}
