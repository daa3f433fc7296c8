import { pubsubBus } from "../../adapters/gcp/bus.ts";
import { busTopics } from "../../adapters/gcp/pubsub-topics.ts";
import { at } from "./bus.ts";

/** Holds whatever it is handed and says so; for tests that kill it. */
const [project = "", deployment = ""] = process.argv.slice(2);
const bus = pubsubBus({ project, topics: busTopics(deployment) });
bus
  .deliveries({ unackedMax: 100, leaseMs: 600_000 })
  .subscribe(({ event }) => process.stdout.write(`kept ${at(event)}\n`));
process.stdout.write("listening\n");
