import { audit } from "./audit.ts";
import { type Simulated, type SimulationOptions, simulate } from "./simulate.ts";
import type { Broken } from "./trace.ts";

export interface Checked extends Simulated {
  /** Empty: every promise was kept. */
  readonly broken: readonly Broken[];
}

/** Runs a seed and audits its trace. A process that dies of itself is a broken promise, too. */
export async function check(options: SimulationOptions): Promise<Checked> {
  const simulated = await simulate(options);
  const deaths = simulated.deaths.map(
    (death): Broken => ({ promise: "liveness", at: 0, what: `a process died of itself: ${death}` }),
  );
  return { ...simulated, broken: [...deaths, ...audit(simulated.trace)] };
}
