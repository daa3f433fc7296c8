import { setTimeout as sleep } from "node:timers/promises";
import { type Message, PubSub } from "@google-cloud/pubsub";
import { variables } from "../emulators/servers.ts";
import { pubsubProxy } from "../pubsub-proxy.ts";
import { type TcpProxy, tcpProxy } from "../tcp-proxy.ts";
import type { CloudDeployment } from "./deployment.ts";

/** Emulators behind proxies, and the environment that leads a service through them. */
export interface Proxied {
  readonly env: Readonly<Record<string, string>>;
  readonly proxies: readonly TcpProxy[];
  close(): Promise<void>;
}

export async function proxied(): Promise<Proxied> {
  const env: Record<string, string> = {};
  const proxies: TcpProxy[] = [];
  const middle = await pubsubProxy(process.env[variables.pubsub] ?? "");
  for (const variable of Object.values(variables)) {
    const value = variable === variables.pubsub ? middle.address : (process.env[variable] ?? "");
    const scheme = value.startsWith("http://") ? "http://" : "";
    const proxy = await tcpProxy(value.slice(scheme.length));
    proxies.push(proxy);
    env[variable] = `${scheme}${proxy.address}`;
  }
  return {
    env,
    proxies,
    async close() {
      for (const proxy of proxies) await proxy.close();
      middle.close();
    },
  };
}

/** What services run under which names. */
const crew = [
  ["watcher", "watcher"],
  ["dispatcher", "dispatcher-a"],
  ["dispatcher", "dispatcher-b"],
  ["tracker", "tracker"],
] as const;

/** How much was done to a deployment. */
export interface Harm {
  kills: number;
  cuts: number;
  doubled: number;
}

/** Starts all services of a deployment. */
export function startAll(at: CloudDeployment, env: Readonly<Record<string, string>> = {}) {
  return crew.map(([service, name]) => ({ service, running: at.start(service, name, env) }));
}

/**
 * Until told to stop: every second `kill -9` of one of the services that are up, which is started
 * again at once; every few seconds all connections through one proxy break, at times for a second.
 */
export async function torment(
  at: CloudDeployment,
  { env, proxies }: Proxied,
  {
    all,
    harm,
    until,
  }: {
    readonly all: ReturnType<typeof startAll>;
    readonly harm: Harm;
    readonly until: () => boolean;
  },
): Promise<void> {
  for (let second = 1; !until(); second += 1) {
    await sleep(1_000);
    // One that is not up yet holds nothing that could be lost, and would never come up.
    const up = all.filter(({ running }) => running.listens());
    if (up.length > 0) {
      const victim = any(up);
      await victim.running.end("SIGKILL");
      victim.running = at.start(victim.service, victim.running.name, env);
      harm.kills += 1;
    }
    if (second % 3 !== 0) continue;
    const proxy = any(proxies);
    harm.cuts += 1;
    if (Math.random() < 0.5) proxy.cut();
    else {
      proxy.sever();
      setTimeout(() => proxy.mend(), 1_000);
    }
  }
  await sleep(1_000);
  for (const proxy of proxies) proxy.mend();
}

function any<T>(some: readonly T[]): T {
  const one = some[Math.floor(Math.random() * some.length)];
  if (one === undefined) throw new Error("nothing to choose from");
  return one;
}

/**
 * Publishes a third of all messages of these topics once more, up to five seconds later: what is
 * told late tells of what is long over.
 */
export async function doubling(
  project: string,
  topics: readonly string[],
  harm: Harm,
): Promise<{ stop(): Promise<void> }> {
  const pubsub = new PubSub({ projectId: project });
  const timers = new Set<NodeJS.Timeout>();
  const subscriptions = await Promise.all(
    topics.map(async (name) => {
      const topic = pubsub.topic(name);
      const [subscription] = await topic.createSubscription(`${name}-doubling-${Date.now()}`);
      subscription.on("error", () => {});
      subscription.on("message", (message: Message) => {
        message.ack();
        if (message.attributes["doubled"] !== undefined || Math.random() > 0.33) return;
        const { data } = message;
        const attributes = { ...message.attributes, doubled: "yes" };
        const timer = setTimeout(() => {
          timers.delete(timer);
          harm.doubled += 1;
          topic.publishMessage({ data, attributes }).catch(() => {});
        }, Math.random() * 5_000);
        timers.add(timer);
      });
      return subscription;
    }),
  );
  return {
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const subscription of subscriptions) {
        await subscription.close();
        await subscription.delete();
      }
      await pubsub.close();
    },
  };
}
