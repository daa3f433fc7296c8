import { expect } from "vitest";
import { traceOf } from "../../core/trace.ts";
import type { Bus } from "../../ports/bus.ts";
import { readTrace } from "../../schemas/trace.ts";
import { at, listen, numbers } from "../support/bus.ts";
import { landed, tick } from "../support/documents.ts";
import type { Contract } from "./contract.ts";

/** Who is handed what, and when again. */
export function deliveriesAsPromised(it: Contract<Bus>): void {
  it("delivers what was published, whole, to a subscriber that was there", async (open) => {
    const bus = await open();
    const listener = listen(bus);
    const event = landed("data.events höß 🚀", 7);
    await bus.publish([event]);
    const delivery = await listener.next();
    expect(delivery.event).toEqual(event);
    expect(delivery.attempt).toBe(1);
  });

  it("a trace changes nothing; a delivery has the one it was published in, each time, or none", async (open) => {
    const bus = await open();
    const trace = traceOf("data.events landed 0.7");
    const listener = listen(bus, {}, (delivery) => {
      if (delivery.attempt === 1) delivery.nack();
    });
    await bus.publish([landed("data.events", 7)], trace);
    const [first, again] = await listener.count(2);
    expect(again?.event).toEqual(landed("data.events", 7));
    expect([trace, undefined]).toContain(first?.trace);
    expect(again?.trace).toBe(first?.trace);
    await bus.publish([tick(1)]);
    const plain = await listener.next(1, ({ event }) => event.kind === "tick");
    expect(plain.trace).not.toBe(trace);
    expect(plain.trace).toBe(readTrace(plain.trace));
  });

  it("delivers what was published before anybody subscribed, by another opening too", async (open) => {
    const [publisher, bus] = [await open(), await open()];
    await publisher.publish([tick(1), tick(2)]);
    await publisher.close();
    const delivered = await listen(bus).count(2);
    expect(numbers(delivered)).toEqual([1, 2]);
    expect(new Set(delivered.map(({ id }) => id)).size).toBe(2);
  });

  it("publishing nothing is fine", async (open) => {
    const bus = await open();
    await bus.publish([]);
    const listener = listen(bus);
    await bus.publish([tick(1)]);
    expect(at((await listener.next()).event)).toBe(1);
  });

  it("never delivers what was acked again, to nobody", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 50 }, (delivery) => delivery.ack());
    await bus.publish([tick(1)]);
    await listener.next();
    listener.unsubscribe();
    await bus.close();
    const later = listen(await open(), { leaseMs: 50 });
    await (await open()).publish([tick(2)]);
    await later.next(2, ({ event }) => at(event) === 2);
    expect(later.seen.map(({ event }) => at(event))).not.toContain(1);
  });

  it("delivers a nacked event again, with the same id and the next attempt", async (open) => {
    const bus = await open();
    const listener = listen(bus, {}, (delivery) => {
      if (delivery.attempt < 4) delivery.nack();
    });
    await bus.publish([tick(1)]);
    const deliveries = await listener.count(4);
    expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(new Set(deliveries.map(({ id }) => id)).size).toBe(1);
  });

  it("delivers again what was neither acked nor nacked within its lease", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 50, unackedMax: 1 });
    await bus.publish([tick(1)]);
    const [first, second] = await listener.count(2);
    expect(second?.id).toBe(first?.id);
    expect(second?.attempt).toBe(2);
  });

  it("does not deliver again before the lease has ended", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 400 });
    const begun = performance.now();
    await bus.publish([tick(1)]);
    await listener.count(2);
    expect(performance.now() - begun).toBeGreaterThan(390);
  });

  it("settling again what was acked does nothing", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 60 }, (delivery) => {
      if (at(delivery.event) === 2) return;
      delivery.ack();
      delivery.nack();
      delivery.ack();
    });
    await bus.publish([tick(1), tick(2)]);
    await listener.next(4, ({ event }) => at(event) === 2);
    expect(listener.seen.filter(({ event }) => at(event) === 1)).toHaveLength(1);
  });

  it("an ack of a lease that has ended still ends the event", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 60 });
    await bus.publish([tick(1)]);
    const [first] = await listener.count(2);
    first?.ack();
    await bus.publish([tick(2)]);
    await listener.next(4, ({ event }) => at(event) === 2);
    expect(listener.seen.filter(({ event }) => at(event) === 1)).toHaveLength(2);
  });

  it("a nack of a lease that was followed by another does nothing", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 300, unackedMax: 1 });
    await bus.publish([tick(1)]);
    const [first, second] = await listener.count(2);
    const begun = performance.now();
    await bus.publish([tick(2)]);
    first?.nack();
    await listener.count(3);
    expect(performance.now() - begun).toBeGreaterThan(100);
    expect(second?.attempt).toBe(2);
  });

  it("holds back while as many are unacked as allowed", async (open) => {
    const bus = await open();
    const listener = listen(bus, { unackedMax: 3 });
    await bus.publish(Array.from({ length: 7 }, (_, n) => tick(n)));
    const [first, second] = await listener.count(3);
    const other = listen(bus, { unackedMax: 1, patienceMs: 80_000 });
    await other.next();
    expect(listener.seen).toHaveLength(3);
    other.unsubscribe();
    first?.ack();
    second?.nack();
    await listener.count(5);
    expect(listener.seen).toHaveLength(5);
    // Pub/Sub's emulator sends one stream all, and what that gives back by chance to one of them,
    // every two seconds: the other one was seen to wait for 6 to 25.
  }, 120_000);

  it("shares events between subscribers, each to one of them", async (open) => {
    const buses = [await open(), await open()];
    const listeners = buses.flatMap((bus) => [
      listen(bus, { unackedMax: 5 }),
      listen(bus, { unackedMax: 5 }),
    ]);
    await buses[0]?.publish(Array.from({ length: 20 }, (_, n) => tick(n)));
    await Promise.all(listeners.map((listener) => listener.count(5)));
    expect(numbers(listeners.flatMap(({ seen }) => seen))).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    );
  });

  it("unsubscribing gives leases back at once", async (open) => {
    const [bus, other] = [await open(), await open()];
    const listener = listen(bus);
    await bus.publish([tick(1), tick(2)]);
    const [first] = await listener.count(2);
    first?.ack();
    const begun = performance.now();
    listener.unsubscribe();
    const again = await listen(other).next();
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(again.id).not.toBe(first?.id);
    expect(again.attempt).toBe(2);
  });

  it("an ack after unsubscribing counts", async (open) => {
    const bus = await open();
    const listener = listen(bus);
    await bus.publish([tick(1)]);
    const delivery = await listener.next();
    listener.unsubscribe();
    delivery.ack();
    await bus.close();
    const other = await open();
    const later = listen(other);
    await other.publish([tick(2)]);
    await later.next(1, ({ event }) => at(event) === 2);
    expect(later.seen.map(({ event }) => at(event))).toEqual([2]);
  });

  it("unsubscribing while being handed events takes no further one", async (open) => {
    const bus = await open();
    let stop = () => {};
    const listener = listen(bus, {}, () => stop());
    stop = () => listener.unsubscribe();
    await bus.publish([tick(1), tick(2), tick(3)]);
    await listener.next();
    const rest = await listen(bus).count(3);
    expect(listener.seen).toHaveLength(1);
    expect(rest.map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
  });

  it("closing completes subscribers and gives back what they had", async (open) => {
    const [bus, other] = [await open(), await open()];
    const listener = listen(bus);
    await bus.publish([tick(1)]);
    const delivery = await listener.next();
    await bus.close();
    expect(listener.completed()).toBe(true);
    expect((await listen(other).next()).id).toBe(delivery.id);
    delivery.ack();
    await expect(bus.publish([tick(2)])).rejects.toThrow("closed");
    await expect(listen(bus).next()).rejects.toThrow("closed");
    await bus.close();
  });
}
