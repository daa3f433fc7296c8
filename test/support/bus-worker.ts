import { writeSync } from "node:fs";
import { sqliteBus } from "../../adapters/embedded/bus.ts";
import { at } from "./bus.ts";
import { tick } from "./documents.ts";

/**
 * A process that publishes ticks numbered from `from` on and handles what it is handed until it is
 * killed: it acks, but keeps each seventh event when it is delivered the first time. Says what it published once that
 * was durable, what it acked and what it keeps. Its leases outlive any test.
 */
const [file = "", from = "0"] = process.argv.slice(2);
const bus = sqliteBus({ file });
const say = (line: string) => writeSync(1, `${line}\n`);

bus.deliveries({ unackedMax: 200, leaseMs: 3_600_000 }).subscribe((delivery) => {
  const number = at(delivery.event);
  if (number % 7 === 0 && delivery.attempt === 1) say(`kept ${number}`);
  else {
    delivery.ack();
    say(`acked ${number}`);
  }
});

for (let next = Number(from); ; next += 10) {
  const numbers = Array.from({ length: 10 }, (_, n) => next + n);
  await bus.publish(numbers.map(tick));
  for (const number of numbers) say(`published ${number}`);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
