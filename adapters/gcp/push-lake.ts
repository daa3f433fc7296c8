import type { IncomingMessage } from "node:http";
import { PubSub } from "@google-cloud/pubsub";
import type { Log } from "../../ports/log.ts";
import { publishLetter } from "./bus-dead-letters.ts";
import { type Notifications, pushedNotifications } from "./object-notifications.ts";
import type { Place, ServiceName } from "./place.ts";
import { PUSH_ANSWERS, pushHandler } from "./push-handler.ts";
import type { SigningKeys } from "./push-token.ts";

/** The lake's notifications as they are pushed to a service. */
export interface PushedLake {
  readonly notifications: Notifications;
  /** What a request is answered, as an HTTP status. */
  readonly push: (request: IncomingMessage) => Promise<number>;
  close(): Promise<void>;
}

export interface PushedLakeOptions {
  readonly place: Place;
  readonly service: ServiceName | undefined;
  readonly log: Log;
  /** Google's keys unless a test signs its own tokens; no setting leads here. */
  readonly keys?: () => Promise<SigningKeys>;
}

/** Null where the settings let the service pull. */
export function pushedLake(options: PushedLakeOptions): PushedLake | null {
  const { place, service, log, keys } = options;
  const { cloud, lake, topics } = place;
  const push = service === "watcher" || service === "tracker" ? cloud.push[service] : undefined;
  if (push === undefined) return null;
  const pubsub = new PubSub({ projectId: cloud.project });
  const letters = pubsub.topic(topics.deadLetters.topic);
  const notifications = pushedNotifications({
    bucket: lake.bucket,
    warn: (message) => log.warn({}, message),
  });
  const handle = pushHandler({
    audience: push.url,
    account: push.account,
    ...(keys === undefined ? {} : { keys }),
    take: (pushed) => notifications.take(pushed),
    putAside: (letter) => publishLetter(letters, letter),
    log,
  });
  return {
    notifications,
    push: async (request) => PUSH_ANSWERS[await handle(request)],
    close: () => pubsub.close(),
  };
}
