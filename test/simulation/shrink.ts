import { type Checked, check } from "./check.ts";
import type { SimulationOptions } from "./simulate.ts";
import type { Leaving } from "./workload.ts";

type Without = NonNullable<Leaving["without"]> extends ReadonlySet<infer Part> ? Part : never;

const parts: readonly Without[] = [
  "commands",
  "outages",
  "releases",
  "job-faults",
  "changes",
  "skew",
  "metadata",
  "watching",
];

export interface Shrunk {
  readonly options: SimulationOptions;
  readonly checked: Checked;
}

/**
 * The smallest way found to break the same promise: first parts of the workload are left out, then
 * faults, half of them at a time, then one by one.
 */
export async function shrink(options: SimulationOptions, runsMax = 150): Promise<Shrunk> {
  let best: Shrunk = { options, checked: await check(options) };
  const [first] = best.checked.broken;
  if (first === undefined) throw new Error(`seed ${options.seed} keeps every promise`);
  let runs = 0;
  const tries = async (smaller: SimulationOptions): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs += 1;
    const checked = await check(smaller);
    if (!checked.broken.some(({ promise }) => promise === first.promise)) return false;
    best = { options: smaller, checked };
    return true;
  };
  const leaving = () => best.options.leaving ?? {};
  await tries({ ...best.options, only: new Set() });
  for (let days = 1; days < 4; days++) {
    if (await tries({ ...best.options, leaving: { ...leaving(), days } })) break;
  }
  for (let configs = 1; configs < 7; configs++) {
    if (await tries({ ...best.options, leaving: { ...leaving(), configs } })) break;
  }
  for (const part of parts) {
    const without = new Set([...(leaving().without ?? []), part]);
    await tries({ ...best.options, leaving: { ...leaving(), without } });
  }
  await fewerFaults(() => best, tries);
  return best;
}

/**
 * The faults of ports that a seed needs to break a promise: together they do, and without any one of
 * them they do not. Null when it keeps every promise.
 */
export async function neededFaults(options: SimulationOptions): Promise<readonly string[] | null> {
  let best: Shrunk = { options, checked: await check(options) };
  if (best.checked.broken.length === 0) return null;
  const tries = async (smaller: SimulationOptions): Promise<boolean> => {
    const checked = await check(smaller);
    if (checked.broken.length > 0) best = { options: smaller, checked };
    return checked.broken.length > 0;
  };
  if (await tries({ ...options, only: new Set() })) return [];
  await fewerFaults(() => best, tries);
  return best.checked.struck;
}

/** Whether some faults together break a promise, and none of them can be left out. */
export async function neededTogether(seed: number, faults: readonly string[]): Promise<boolean> {
  const breaks = async (only: readonly string[]) =>
    (await check({ seed, only: new Set(only) })).broken.length > 0;
  if (!(await breaks(faults))) return false;
  for (const fault of faults) {
    if (await breaks(faults.filter((other) => other !== fault))) return false;
  }
  return true;
}

/** Leaves out ever smaller shares of the faults that struck, until none can be left out any more. */
async function fewerFaults(
  best: () => Shrunk,
  tries: (smaller: SimulationOptions) => Promise<boolean>,
): Promise<void> {
  for (let share = 2; best().checked.struck.length > 0; share *= 2) {
    const before = best().checked.struck.length;
    const size = Math.max(1, Math.ceil(best().checked.struck.length / share));
    for (let at = 0; at < best().checked.struck.length; ) {
      const { struck } = best().checked;
      const only = new Set([...struck.slice(0, at), ...struck.slice(at + size)]);
      if (!(await tries({ ...best().options, only }))) at += size;
    }
    if (size === 1 && best().checked.struck.length === before) return;
  }
}
