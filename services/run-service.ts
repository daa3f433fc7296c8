import type { IncomingMessage } from "node:http";
import type { DestinationStream } from "pino";
import { defer, firstValueFrom, lastValueFrom, type Observable } from "rxjs";
import type { Log } from "../ports/log.ts";
import { type Metrics, noMetrics } from "../ports/metrics.ts";
import type { World } from "../ports/world.ts";
import type { Deployment } from "../schemas/deployment.ts";
import { healthOf } from "./health.ts";
import { serviceLog } from "./log.ts";
import { published } from "./published.ts";
import { serviceServer } from "./server.ts";
import { stopSignals } from "./stop-signals.ts";

/** A world that was opened, with what else its adapters have for a process. */
export interface OpenedService {
  readonly world: World;
  /** The settings as the world leaves them. */
  readonly settings: Deployment;
  /** What becomes of a push; left out where nothing is pushed. */
  readonly push?: (request: IncomingMessage) => Promise<number>;
}

export interface ServiceOptions {
  readonly name: string;
  readonly settings: Deployment;
  readonly open: (settings: Deployment, log: Log) => Promise<OpenedService>;
  /** The stream without which it is not ready: `bus.deliveries`, for one. */
  readonly needs: string;
  /** Where it measures itself; left out: nowhere. */
  readonly metrics?: (settings: Deployment, log: Log) => Promise<Metrics>;
  /** What ends it; signals when left out. */
  readonly stop?: Observable<unknown>;
  /** Where its log goes; to standard output when left out. */
  readonly logTo?: DestinationStream;
  readonly pipeline: (
    ports: World & {
      readonly settings: Deployment;
      readonly log: Log;
      readonly metrics: Metrics;
      /** The same world without an eye on it: for what the service is ready without. */
      readonly aside: World;
    },
    stop: Observable<unknown>,
  ) => Observable<unknown>;
}

/** Of the time to end, the part in which ports are closed: what is not acked goes back. */
const closingMs = 2_500;

/**
 * Runs one service as a process: until SIGTERM or SIGINT, then to the end of what it took, at most
 * `drainMs` in all. What is not finished by then comes again: messages that were not acked to another
 * replica, claims to whoever finds them overdue. Resolves with the exit code.
 */
export async function runService(options: ServiceOptions): Promise<number> {
  const { name, settings, needs, logTo, stop = stopSignals() } = options;
  const project = settings.gcp?.project;
  const log = serviceLog({
    service: name,
    ...(project === undefined ? {} : { project }),
    ...(logTo === undefined ? {} : { to: logTo }),
  });
  const opened = await options.open(settings, log);
  const metrics = (await options.metrics?.(settings, log)) ?? noMetrics;
  const health = healthOf(opened.world, needs);
  const { push } = opened;
  const server = await serviceServer({
    host: settings.host,
    port: settings.port,
    trouble: () => health.trouble(),
    ...(push === undefined ? {} : { push }),
  });
  log.info({ port: server.port, world: settings.world }, `${name} listens`);
  const stopped = firstValueFrom(stop, { defaultValue: undefined }).then(() => health.end());
  const bus = published(health.world.bus, log);
  const ports = {
    ...health.world,
    bus,
    settings: opened.settings,
    log,
    metrics,
    aside: opened.world,
  };
  const done = lastValueFrom(
    defer(() => options.pipeline(ports, stop)),
    { defaultValue: undefined },
  );
  try {
    const drained = await Promise.race([
      done.then(() => true),
      stopped.then(() => after(settings.drainMs - closingMs)).then(() => false),
    ]);
    if (!drained) log.warn({}, `${name} ends before all was finished; what is left comes again`);
  } catch (cause) {
    const { message, stack } = cause as Error;
    log.error({ reason: message, stack }, `${name} cannot go on: ${message}`);
    return 1;
  } finally {
    health.end();
    const closed = Promise.allSettled([opened.world.close(), server.close(), metrics.close()]);
    await Promise.race([closed, after(closingMs)]);
  }
  log.info({}, `${name} has ended`);
  return 0;
}

async function after(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
