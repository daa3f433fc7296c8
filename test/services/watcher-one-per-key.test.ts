import fc from "fast-check";
import { lastValueFrom, Subject, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { onePerKey, type Wanted } from "../../services/watcher/one-per-key.ts";

const wants = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c", "d"), urgent: fc.boolean() }),
  { maxLength: 20 },
);

describe("one per key", () => {
  test("whatever the timing: never a key twice at once, never too many, each done after its last want", async () => {
    await fc.assert(
      fc.asyncProperty(
        wants,
        fc.integer({ min: 1, max: 3 }),
        fc.scheduler(),
        async (wanted, concurrency, scheduler) => {
          const source = new Subject<Wanted>();
          const busy = new Set<string>();
          const begun: string[] = [];
          const doneSince = new Map<string, boolean>();
          const work = scheduler.scheduleFunction(async (key: string) => {
            await Promise.resolve();
            return key;
          });
          const result = lastValueFrom(
            source.pipe(
              onePerKey(concurrency, async (key) => {
                expect(busy.has(key)).toBe(false);
                busy.add(key);
                begun.push(key);
                doneSince.set(key, true);
                expect(busy.size).toBeLessThanOrEqual(concurrency);
                await work(key);
                busy.delete(key);
              }),
              toArray(),
            ),
          );
          const feed = scheduler.scheduleSequence(
            wanted.map((want) => ({
              label: want.key,
              builder: async () => {
                doneSince.set(want.key, false);
                source.next(want);
              },
            })),
          );
          await scheduler.waitFor(feed.task);
          source.complete();
          expect(await scheduler.waitFor(result)).toHaveLength(begun.length);
          expect([...doneSince.values()].every(Boolean)).toBe(true);
          expect(begun.length).toBeLessThanOrEqual(wanted.length);
        },
      ),
    );
  });

  test("urgent keys go before all that wait", async () => {
    const source = new Subject<Wanted>();
    const begun: string[] = [];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const work = async (key: string) => {
      begun.push(key);
      await held;
    };
    const done = lastValueFrom(source.pipe(onePerKey(1, work), toArray()));
    for (const key of ["first", "later", "latest"]) source.next({ key, urgent: false });
    source.next({ key: "urgent", urgent: true });
    source.next({ key: "latest", urgent: true });
    source.complete();
    release();
    expect(await done).toEqual(["first", "urgent", "latest", "later"]);
    expect(begun).toEqual(["first", "urgent", "latest", "later"]);
  });

  test("work that fails ends the stream with its error", async () => {
    const source = new Subject<Wanted>();
    const done = lastValueFrom(source.pipe(onePerKey(2, () => Promise.reject(new Error("bug")))));
    source.next({ key: "a", urgent: false });
    await expect(done).rejects.toThrow("bug");
  });
});
