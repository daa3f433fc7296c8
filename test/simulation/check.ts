import { audit } from "./audit.ts";
import { type Simulated, type SimulationOptions, simulate } from "./simulate.ts";
import type { Broken } from "./trace.ts";

export interface Checked extends Simulated {
  /** Empty: every promise was kept. */
  readonly broken: readonly Broken[];
}

/** Runs a seed and audits its trace. A process that dies of itself is a broken promise, too, as is no rest. */
export async function check(options: SimulationOptions): Promise<Checked> {
  const simulated = await simulate(options);
  const failures = simulated.failures.map((what): Broken => ({ promise: "liveness", at: 0, what }));
  return { ...simulated, broken: [...failures, ...audit(simulated.trace)] };
}
