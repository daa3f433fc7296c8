import type { Bus } from "../../ports/bus.ts";
import { deadLettersAsPromised, poisonAsPromised } from "./bus-dead-letters.contract.ts";
import { deliveriesAsPromised } from "./bus-deliveries.contract.ts";
import { loadAsPromised } from "./bus-load.contract.ts";
import { type ContractOptions, contract, type Place } from "./contract.ts";

/** A place of a bus into which a foreign writer can publish what is no event. */
export interface BusPlace extends Place<Bus> {
  publishRaw(body: string): Promise<void>;
}

/** The promises every bus keeps; each adapter runs this suite. */
export function describeBus(
  name: string,
  make: () => Promise<BusPlace>,
  options: ContractOptions = {},
): void {
  contract<Bus, BusPlace>(`bus: ${name}`, { make, ...options }, (it) => {
    deliveriesAsPromised(it);
    deadLettersAsPromised(it);
    poisonAsPromised(it);
    loadAsPromised(it);
  });
}
