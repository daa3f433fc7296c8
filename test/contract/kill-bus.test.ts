import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { at, listen } from "../support/bus.ts";
import { type Child, child } from "../support/children.ts";
import { tick } from "../support/documents.ts";

const folder = mkdtempSync(join(tmpdir(), "landfall-kill-bus-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const worker = new URL("../support/bus-worker.ts", import.meta.url).pathname;
const rounds = 3;
const work = (file: string, from: number) =>
  child(worker, join(folder, `from-${from}`), file, `${from}`);
const numbersOf = (all: readonly Child[], what: string) =>
  new Set(
    all.flatMap((one) =>
      one
        .lines()
        .filter((line) => line.startsWith(`${what} `))
        .map((line) => Number(line.split(" ")[1])),
    ),
  );

test("two processes publish and ack and are killed again and again: nothing published is lost", {
  timeout: 120_000,
}, async () => {
  const file = join(folder, "bus.db");
  const children: Child[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const two = [0, 1].map((n) => work(file, (round * 2 + n) * 1_000_000));
    children.push(...two);
    await Promise.all(two.map((one) => one.line("acked")));
    for (const one of two) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 80));
      await one.kill();
    }
  }
  const acked = numbersOf(children, "acked");
  const kept = numbersOf(children, "kept");
  const durable = [...numbersOf(children, "published"), ...kept];
  const missing = new Set(durable.filter((number) => !acked.has(number)));
  expect(missing.size).toBeGreaterThan(0);
  const bus = sqliteBus({ file });
  const back = listen(bus, { unackedMax: 100_000 }, ({ event }) => missing.delete(at(event)));
  await expect.poll(() => missing.size, { timeout: 10_000, interval: 10 }).toBe(0);
  for (const { event, attempt } of back.seen) {
    expect(attempt).toBeGreaterThan(kept.has(at(event)) ? 1 : 0);
  }
  back.unsubscribe();
  await bus.close();
  expect(readdirSync(folder).filter((name) => name.includes("owner"))).toEqual([]);
});

test("what a living process holds is its own until it is killed; then it comes at once", {
  timeout: 120_000,
}, async () => {
  const file = join(folder, "living.db");
  const bus = sqliteBus({ file });
  await bus.publish([tick(7)]);
  const other = work(file, 1_000);
  await other.line("kept 7");
  const clock = listen(bus, { leaseMs: 400, unackedMax: 100_000 });
  await bus.publish([tick(-8)]);
  await other.line("published 1009");
  const oneByOne = ({ event }: { event: Parameters<typeof at>[0] }) => at(event) === 7;
  await clock.next(5, ({ attempt }) => attempt > 4);
  expect(clock.seen.filter(oneByOne)).toEqual([]);
  await other.kill();
  const returned = await clock.next(1, oneByOne);
  expect(returned.attempt).toBe(2);
  clock.unsubscribe();
  await bus.close();
});
