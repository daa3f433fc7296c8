import fc from "fast-check";
import { from, lastValueFrom, Subject, toArray } from "rxjs";
import { expect, test } from "vitest";
import { inBatches } from "../../services/dispatcher/in-batches.ts";

const keyOf = (value: number) => value;

test("nothing is lost, doubled or reordered, one batch at a time, none above the limit", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.uniqueArray(fc.nat()),
      fc.integer({ min: 1, max: 5 }),
      async (scheduler, values, max) => {
        let busy = false;
        const batches = lastValueFrom(
          from(values).pipe(
            inBatches({ max: max, keyOf }, async function* (batch) {
              expect(busy).toBe(false);
              busy = true;
              await scheduler.schedule(Promise.resolve());
              busy = false;
              yield batch;
            }),
            toArray(),
          ),
        );
        const out = await scheduler.waitFor(batches);
        expect(out.flat()).toEqual(values);
        for (const batch of out) expect(batch.length).toBeLessThanOrEqual(max);
      },
    ),
  );
});

test("what arrives while a batch is in flight is the next batch; then the stream completes", async () => {
  const source = new Subject<number>();
  const open: (() => void)[] = [];
  const out: number[][] = [];
  const done = lastValueFrom(
    source.pipe(
      inBatches({ max: 10, keyOf }, async function* (batch) {
        await new Promise<void>((resolve) => open.push(resolve));
        out.push([...batch]);
        yield;
      }),
    ),
  );
  source.next(1);
  source.next(2);
  source.next(3);
  source.complete();
  open[0]?.();
  await expect.poll(() => open.length).toBe(2);
  open[1]?.();
  await done;
  expect(out).toEqual([[1], [2, 3]]);
});

test("a handler that fails fails the stream", async () => {
  const failing = from([1]).pipe(
    inBatches({ max: 1, keyOf }, async function* (batch) {
      yield batch;
      throw new Error("bug");
    }),
  );
  await expect(lastValueFrom(failing)).rejects.toThrow("bug");
});

test("of deliveries of one message that wait only the latest is handled", async () => {
  const source = new Subject<{ id: string; attempt: number }>();
  const open: (() => void)[] = [];
  const done = lastValueFrom(
    source.pipe(
      inBatches({ max: 10, keyOf: ({ id }) => id }, async function* (batch) {
        await new Promise<void>((resolve) => open.push(resolve));
        yield batch.map(({ id, attempt }) => `${id}${attempt}`);
      }),
      toArray(),
    ),
  );
  source.next({ id: "a", attempt: 1 });
  for (const attempt of [1, 2, 3]) {
    source.next({ id: "b", attempt });
    source.next({ id: "c", attempt });
  }
  source.next({ id: "a", attempt: 2 });
  source.complete();
  open[0]?.();
  await expect.poll(() => open.length).toBe(2);
  open[1]?.();
  expect(await done).toEqual([["a1"], ["b3", "c3", "a2"]]);
});
