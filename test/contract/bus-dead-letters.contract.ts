import { expect } from "vitest";
import type { Bus } from "../../ports/bus.ts";
import { at, listen, numbers } from "../support/bus.ts";
import { tick } from "../support/documents.ts";
import type { BusPlace } from "./bus.contract.ts";
import type { Contract } from "./contract.ts";

/** What nobody could handle, or is no event, is put aside with its reason. */
export function deadLettersAsPromised(it: Contract<Bus>): void {
  it("an event put aside is a dead letter with its reason, and never delivered again", async (open) => {
    const bus = await open();
    const listener = listen(bus, { leaseMs: 50 });
    await bus.publish([tick(1)]);
    const delivery = await listener.next();
    await bus.deadLetter(delivery, "nobody understands it");
    const [letter, ...more] = await (await open()).deadLetters(10);
    expect(letter).toMatchObject({
      id: delivery.id,
      body: tick(1),
      reason: "nobody understands it",
    });
    expect(more).toEqual([]);
    expect(Math.abs(Date.now() - (letter?.at ?? 0))).toBeLessThan(60_000);
    const before = listener.seen.length;
    await bus.publish([tick(2)]);
    await listener.next(2, ({ event }) => at(event) === 2);
    expect(listener.seen.filter(({ event }) => at(event) === 1)).toHaveLength(before);
  });

  it("putting aside makes room for the next delivery", async (open) => {
    const bus = await open();
    const listener = listen(bus, { unackedMax: 1 });
    await bus.publish([tick(1), tick(2)]);
    await bus.deadLetter(await listener.next(), "no");
    const [, second] = await listener.count(2);
    expect(second).toBeDefined();
  });

  it("putting aside twice leaves one letter", async (open) => {
    const bus = await open();
    const listener = listen(bus);
    await bus.publish([tick(1)]);
    const delivery = await listener.next();
    await bus.deadLetter(delivery, "no");
    await bus.deadLetter(delivery, "no, again");
    expect(await bus.deadLetters(10)).toHaveLength(1);
  });

  it("answers as many dead letters as asked for", async (open) => {
    const bus = await open();
    const listener = listen(bus);
    await bus.publish([tick(1), tick(2), tick(3)]);
    for (const delivery of await listener.count(3)) await bus.deadLetter(delivery, "no");
    expect(await bus.deadLetters(2)).toHaveLength(2);
    expect(await bus.deadLetters(10)).toHaveLength(3);
    expect(await bus.deadLetters(0)).toEqual([]);
  });
}

/** Messages of foreign writers, and what a dead letter keeps of them. */
export const poison: readonly (readonly [string, unknown])[] = [
  ["not JSON at all", "not JSON at all"],
  ["", ""],
  ["null", null],
  ['{"kind":"unheard-of"}', { kind: "unheard-of" }],
  ['{"kind":"tick","schema":2,"at":1}', { kind: "tick", schema: 2, at: 1 }],
  ['{"kind":"tick","schema":1,"at":"noon"}', { kind: "tick", schema: 1, at: "noon" }],
  ['[{"kind":"tick"}]', [{ kind: "tick" }]],
];

/** Messages that are no events do not stop those that are. */
export function poisonAsPromised(it: Contract<Bus, BusPlace>): void {
  it("what is no event becomes a dead letter and holds up nothing", async (open, place) => {
    const bus = await open();
    const listener = listen(bus, { unackedMax: 1 }, (delivery) => delivery.ack());
    await bus.publish([tick(1)]);
    for (const [body] of poison) await place.publishRaw(body);
    await bus.publish([tick(2)]);
    await listener.count(2);
    await bus.publish([tick(3)]);
    await listener.count(3);
    const letters = await bus.deadLetters(100);
    const byText = (one: unknown, other: unknown) =>
      `${JSON.stringify(one)}` < `${JSON.stringify(other)}` ? -1 : 1;
    expect(letters.map(({ body }) => body).toSorted(byText)).toEqual(
      poison.map(([, body]) => body).toSorted(byText),
    );
    for (const { reason } of letters) expect(reason).toMatch(/^not (JSON|an event): \S[^\n]*$/);
    expect(numbers(listener.seen)).toEqual([1, 2, 3]);
  });
}
