import {
  filter,
  firstValueFrom,
  ReplaySubject,
  type Subscription,
  take,
  timeout,
  toArray,
} from "rxjs";
import type { Bus, Delivery } from "../../ports/bus.ts";
import type { LandfallEvent } from "../../schemas/events.ts";

/** How long a test waits for what should happen at once. */
export const withinMs = 25_000;

/** A subscriber that settles nothing by itself and remembers everything it was handed. */
export interface Listener {
  readonly seen: readonly Delivery[];
  /** The `n`-th delivery (from 1) that `wanted` accepts, as soon as there is one. */
  next(n?: number, wanted?: (delivery: Delivery) => boolean): Promise<Delivery>;
  /** Waits until there were `n` deliveries. */
  count(n: number): Promise<readonly Delivery[]>;
  unsubscribe(): void;
  completed(): boolean;
}

export interface ListenOptions {
  readonly unackedMax?: number;
  readonly leaseMs?: number;
  /** How long it waits for a delivery. */
  readonly patienceMs?: number;
}

export function listen(
  bus: Bus,
  { unackedMax = 100, leaseMs = 60_000, patienceMs = withinMs }: ListenOptions = {},
  react: (delivery: Delivery) => void = () => {},
): Listener {
  const deliveries = new ReplaySubject<Delivery>();
  const seen: Delivery[] = [];
  const subscription: Subscription = bus.deliveries({ unackedMax, leaseMs }).subscribe({
    next(delivery) {
      seen.push(delivery);
      react(delivery);
      deliveries.next(delivery);
    },
    error: (cause: unknown) => deliveries.error(cause),
  });
  const first = (n: number, wanted: (delivery: Delivery) => boolean) =>
    firstValueFrom(deliveries.pipe(filter(wanted), take(n), toArray(), timeout(patienceMs)));
  return {
    seen,
    async next(n = 1, wanted = () => true) {
      const found = (await first(n, wanted)).at(n - 1);
      if (found === undefined) throw new Error(`only ${seen.length} deliveries came`);
      return found;
    },
    count: (n) => first(n, () => true),
    unsubscribe: () => subscription.unsubscribe(),
    completed: () => subscription.closed,
  };
}

/** The number a `tick` carries. */
export function at(event: LandfallEvent): number {
  return event.kind === "tick" ? event.at : Number.NaN;
}

/** The numbers of ticks that were delivered, in order of size. */
export function numbers(deliveries: readonly Delivery[]): readonly number[] {
  return deliveries.map(({ event }) => at(event)).toSorted((one, other) => one - other);
}
