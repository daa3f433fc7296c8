import fc from "fast-check";
import { expect } from "vitest";
import type { Bus, Delivery } from "../../ports/bus.ts";
import { at, listen } from "../support/bus.ts";
import { tick } from "../support/documents.ts";
import type { Contract } from "./contract.ts";

/** Nothing is lost, however much there is and however it is handled. */
export function loadAsPromised(it: Contract<Bus>): void {
  it("of 10,000 events none is lost, some handled badly", async (open) => {
    const [publisher, bus] = [await open(), await open()];
    const acked = new Set<number>();
    const clumsy = (delivery: Delivery) => {
      const number = at(delivery.event);
      if (number % 10 === 3 && delivery.attempt === 1) return delivery.nack();
      if (number % 100 === 7 && delivery.attempt === 1) return;
      acked.add(number);
      delivery.ack();
    };
    const listeners = [
      listen(bus, { unackedMax: 200, leaseMs: 300 }, clumsy),
      listen(publisher, { unackedMax: 50, leaseMs: 300 }, clumsy),
    ];
    for (let from = 0; from < 10_000; from += 250) {
      await publisher.publish(Array.from({ length: 250 }, (_, n) => tick(from + n)));
      await new Promise(setImmediate);
    }
    await expect.poll(() => acked.size, { timeout: 30_000 }).toBe(10_000);
    for (const listener of listeners) listener.unsubscribe();
    await bus.close();
    const later = await open();
    const rest = listen(later);
    await later.publish([tick(-1)]);
    await rest.next(1, ({ event }) => at(event) === -1);
    expect(rest.seen).toHaveLength(1);
  }, 60_000);

  it("delivers all that is not acked, whatever is done to deliveries", async (open) => {
    const conduct = fc.constantFrom("ack", "nack", "drop", "dead-letter");
    await fc.assert(
      fc.asyncProperty(fc.array(conduct, { minLength: 1, maxLength: 12 }), async (conducts) => {
        const bus = await open();
        const settled = new Set<number>();
        const putAside: Promise<void>[] = [];
        const listener = listen(bus, { unackedMax: 3, leaseMs: 20 }, (delivery) => {
          const number = at(delivery.event);
          const first = delivery.attempt === 1;
          const does = conducts[number] ?? "ack";
          if (first && does === "nack") return delivery.nack();
          if (first && does === "drop") return;
          settled.add(number);
          if (does === "dead-letter") putAside.push(bus.deadLetter(delivery, "no"));
          else delivery.ack();
        });
        await bus.publish(conducts.map((_, number) => tick(number)));
        await expect
          .poll(() => settled.size, { timeout: 10_000, interval: 5 })
          .toBe(conducts.length);
        await Promise.all(putAside);
        listener.unsubscribe();
        await bus.close();
      }),
      { numRuns: 15 },
    );
  }, 60_000);
}
