import { execFileSync } from "node:child_process";
import { bundled } from "./bundle.ts";
import { brokenBySeeds, simulating } from "./seed-process.ts";

/**
 * Where fresh seeds begin: `LANDFALL_SIM_FROM`, else a number that the newest commit decides. Every
 * commit tries other seeds than the one before, and the same ones wherever it is tested, so that
 * what fails can be seen again. Without git it is always the same number.
 */
export function firstFreshSeed(): number {
  const given = process.env["LANDFALL_SIM_FROM"];
  if (given !== undefined) return Number(given);
  try {
    const commit = execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
    return 100_000 + Number.parseInt(commit.slice(0, 6), 16);
  } catch {
    return 100_000;
  }
}

/** Seeds that break a promise, each with the first it breaks; run by a process of their own. */
export async function failingOf(from: number, seeds: number): Promise<string[]> {
  const failing: string[] = [];
  const all = Array.from({ length: seeds }, (_, nth) => from + nth);
  const told = (seed: number, [first]: readonly string[]) => {
    if (first !== undefined) failing.push(`seed ${seed}: ${first}`);
  };
  await simulating(await bundled(), (simulation) => brokenBySeeds([simulation], all, { told }));
  return failing;
}
