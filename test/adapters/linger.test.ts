import fc from "fast-check";
import { expect, test } from "vitest";
import { lingerAfter, lingering } from "../../adapters/gcp/linger.ts";
import { writePace, writesAtOnce } from "../../adapters/gcp/write-pace.ts";

const fast = { tookMs: 20, documents: 1, contended: false };
const slow = { tookMs: 400, documents: 1, contended: false };

test("grows while commits are slow or contended, to a second; falls to nothing when they are fast", () => {
  const grown: number[] = [];
  let lingerMs = 0;
  for (let n = 0; n < 8; n += 1) grown.push((lingerMs = lingerAfter(lingerMs, slow)));
  expect(grown).toEqual([25, 50, 100, 200, 400, 800, 1_000, 1_000]);
  expect(lingerAfter(0, { ...fast, contended: true })).toBe(25);
  const fallen: number[] = [];
  while (lingerMs > 0) fallen.push((lingerMs = lingerAfter(lingerMs, fast)));
  expect(fallen).toEqual([500, 250, 125, 62.5, 31.25, 15.625, 0]);
});

test("contention lets nobody wait long: larger commits meet each other more often", () => {
  let lingerMs = 0;
  for (let n = 0; n < 8; n += 1) lingerMs = lingerAfter(lingerMs, { ...slow, contended: true });
  expect(lingerMs).toBe(200);
  expect(lingerAfter(1_000, { ...slow, contended: true })).toBe(1_000);
});

test("a larger commit may take longer, and after a large one waiting would gain nothing", () => {
  expect(lingerAfter(0, { tookMs: 330, documents: 100, contended: false })).toBe(0);
  expect(lingerAfter(0, { tookMs: 370, documents: 100, contended: false })).toBe(25);
  expect(lingerAfter(100, { tookMs: 5_000, documents: 400, contended: false })).toBe(50);
  expect(lingerAfter(100, { tookMs: 5_000, documents: 400, contended: true })).toBe(200);
});

test("is never less than nothing, nor more than a second", () => {
  const anyWent = fc.record({
    tookMs: fc.nat(100_000),
    documents: fc.nat(500),
    contended: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(anyWent), (all) => {
      let lingerMs = 0;
      for (const went of all) {
        lingerMs = lingerAfter(lingerMs, went);
        expect(lingerMs).toBeGreaterThanOrEqual(0);
        expect(lingerMs).toBeLessThanOrEqual(1_000);
      }
    }),
  );
});

test("is counted from the end of the commit before: after a quiet time nothing waits", async () => {
  let now = 0;
  const slept: number[] = [];
  const linger = lingering({
    now: () => now,
    async sleep(delayMs) {
      slept.push(delayMs);
      now += delayMs;
    },
  });
  const commit = (tookMs: number) =>
    linger({
      documents: 1,
      written: [],
      async send() {
        now += tookMs;
      },
      contended: () => false,
    });
  await commit(10);
  await commit(600);
  expect(slept).toEqual([]);
  await commit(600);
  expect(slept).toEqual([25]);
  now += 30;
  await commit(10);
  expect(slept).toEqual([25, 20]);
  now += 1_000;
  await commit(10);
  expect(slept).toEqual([25, 20]);
});

test("a document is written ten times at once, then once a second; others are not held up", () => {
  let now = 0;
  const pace = writePace(() => now);
  for (let n = 0; n < writesAtOnce; n += 1) {
    expect(pace.restMs(["pools/a", "pools/b"])).toBe(0);
    pace.wrote(["pools/a"]);
  }
  expect(pace.restMs(["pools/b", "pools/a"])).toBe(1_000);
  expect(pace.restMs(["pools/b"])).toBe(0);
  now += 400;
  expect(pace.restMs(["pools/a"])).toBeCloseTo(600);
  now += 600;
  expect(pace.restMs(["pools/a"])).toBe(0);
  pace.wrote(["pools/a"]);
  expect(pace.restMs(["pools/a"])).toBe(1_000);
  now += 1_000 * writesAtOnce;
  for (let n = 0; n < writesAtOnce; n += 1) pace.wrote(["pools/a"]);
  expect(pace.restMs(["pools/a"])).toBe(1_000);
});

test("whatever is asked for, no document is written more than once a second beside a burst", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000)), (pauses) => {
      let now = 0;
      const pace = writePace(() => now);
      const writtenAt = pauses.map((pauseMs) => {
        now += pauseMs;
        now += pace.restMs(["a"]);
        pace.wrote(["a"]);
        return now;
      });
      for (const [first, from] of writtenAt.entries()) {
        for (const [last, to] of writtenAt.entries()) {
          if (last < first) continue;
          expect(last - first + 1).toBeLessThanOrEqual(writesAtOnce + (to - from) / 1_000 + 1e-6);
        }
      }
    }),
  );
});
