import fc from "fast-check";
import { Observable } from "rxjs";
import { expect, test } from "vitest";
import { type Gate, gate } from "../../adapters/gcp/gate.ts";
import type { Delivery } from "../../ports/bus.ts";
import { tick } from "../support/documents.ts";

type Step =
  | { readonly does: "arrive"; readonly id: number }
  | { readonly does: "ack" | "nack"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.nat(8).map((id) => ({ does: "arrive" as const, id })) },
  fc.record({ does: fc.constantFrom("ack" as const, "nack" as const), which: fc.nat(30) }),
);

/** A gate that is played with, and all that came of it. */
function played(unackedMax: number) {
  const deliveries: Delivery[] = [];
  const settled = new Map<object, string[]>();
  let hall: Gate | undefined;
  const subscription = new Observable<Delivery>((out) => {
    hall = gate({ unackedMax, leaseMs: 60_000, out });
    return () => hall?.end();
  }).subscribe((delivery) => deliveries.push(delivery));
  return {
    deliveries,
    settled,
    arrive(id: number) {
      const hows: string[] = [];
      const arrival = {
        id: `${id}`,
        event: tick(id),
        attempt: 1,
        settle: (how: "ack" | "nack") => void hows.push(how),
      };
      settled.set(arrival, hows);
      hall?.arrive(arrival);
    },
    leave() {
      subscription.unsubscribe();
      hall?.giveBack();
    },
  };
}

test("whatever arrives and is done, nothing is lost, settled twice, or in hand beyond the bound", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (steps, max) => {
      const game = played(max);
      const { deliveries, settled } = game;
      const acked = new Set<string>();
      const open = new Map<Delivery, string>();
      for (const one of steps) {
        const before = deliveries.length;
        if (one.does === "arrive") game.arrive(one.id);
        else {
          const delivery = deliveries[one.which];
          if (delivery === undefined) continue;
          delivery[one.does]();
          if (one.does === "ack") acked.add(delivery.id);
          for (const [other] of open) {
            if (other === delivery || (one.does === "ack" && other.id === delivery.id)) {
              open.delete(other);
            }
          }
        }
        for (const delivery of deliveries.slice(before)) open.set(delivery, delivery.id);
        expect(open.size).toBeLessThanOrEqual(max);
        expect(new Set(open.values()).size).toBe(open.size);
      }
      game.leave();
      for (const [arrival, hows] of settled) {
        expect(hows).toHaveLength(1);
        if (hows[0] === "ack") expect(acked).toContain((arrival as { id: string }).id);
      }
    }),
  );
});
