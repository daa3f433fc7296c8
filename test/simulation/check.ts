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

/** Seeds that break a promise, each with the first it breaks. */
export async function failingOf(from: number, seeds: number): Promise<string[]> {
  const failing: string[] = [];
  for (let seed = from; seed < from + seeds; seed++) {
    const [first] = (await check({ seed })).broken;
    if (first !== undefined) failing.push(`seed ${seed}: ${first.promise} ${first.what}`);
  }
  return failing;
}
