import { firstValueFrom, take, toArray } from "rxjs";
import { expect } from "vitest";
import type { Clock } from "../../ports/clock.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";

/**
 * The promises every clock keeps; each adapter runs this suite. `stepMs` is a delay that is short in
 * real time but long beside the clock's grain.
 */
export function describeClock(
  name: string,
  make: () => Promise<Place<Clock>>,
  { stepMs, ...options }: ContractOptions & { readonly stepMs: number },
): void {
  contract<Clock>(`clock: ${name}`, { make, ...options }, (it) => {
    it("tells whole milliseconds that never go back", async (open) => {
      const clock = await open();
      let before = clock.now();
      for (let n = 0; n < 1_000; n += 1) {
        const now = clock.now();
        expect(Number.isSafeInteger(now)).toBe(true);
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    });

    it("a sleep is never too short, and ends", async (open) => {
      const clock = await open();
      for (const delayMs of [stepMs, stepMs * 2, stepMs * 3]) {
        const before = clock.now();
        await clock.sleep(delayMs);
        expect(clock.now() - before).toBeGreaterThanOrEqual(delayMs);
      }
    });

    it("a sleep of nothing, or less, ends", async (open) => {
      const clock = await open();
      await clock.sleep(0);
      await clock.sleep(-stepMs);
    });

    it("the shorter of two sleeps ends first", async (open) => {
      const clock = await open();
      const ended: string[] = [];
      await Promise.all([
        clock.sleep(stepMs * 4).then(() => ended.push("long")),
        clock.sleep(stepMs).then(() => ended.push("short")),
      ]);
      expect(ended).toEqual(["short", "long"]);
    });

    it("a sleep of months does not end at once", async (open) => {
      const clock = await open();
      const months = clock.sleep(200 * 86_400_000 * stepMs).then(() => "months");
      expect(await Promise.race([months, clock.sleep(stepMs * 3).then(() => "step")])).toBe("step");
    });

    it("beats with the time, first after one period", async (open) => {
      const clock = await open();
      const begun = clock.now();
      const beats = await firstValueFrom(clock.every(stepMs).pipe(take(4), toArray()));
      for (const [n, beat] of beats.entries()) {
        expect(beat).toBeGreaterThanOrEqual(begun + (n + 1) * stepMs - 1);
      }
      expect(beats).toEqual(beats.toSorted((one, other) => one - other));
      expect(clock.now()).toBeGreaterThanOrEqual(beats.at(-1) ?? Infinity);
    });

    it("missed beats are not made up", async (open) => {
      const clock = await open();
      let beats = 0;
      const subscription = clock.every(stepMs).subscribe(() => {
        beats += 1;
      });
      const until = clock.now() + stepMs * 10;
      while (clock.now() < until);
      await clock.sleep(stepMs);
      subscription.unsubscribe();
      expect(beats).toBeGreaterThan(0);
      expect(beats).toBeLessThan(6);
    });

    it("beats until unsubscribed, each subscriber for itself", async (open) => {
      const clock = await open();
      let beats = 0;
      const subscription = clock.every(stepMs).subscribe(() => {
        beats += 1;
        if (beats === 2) subscription.unsubscribe();
      });
      await firstValueFrom(clock.every(stepMs).pipe(take(6), toArray()));
      expect(beats).toBe(2);
    });

    it("refuses a period that is none", async (open) => {
      const clock = await open();
      for (const periodMs of [0, -1, Number.NaN]) {
        expect(() => clock.every(periodMs)).toThrow("period");
      }
    });
  });
}
